"""Function keys as provisioning scripts use them: Resource Manager gives the master key, and that
opens the host's own key API."""

import harness
import vault


class FunctionKeys(harness.WithLatchkey):
    def manage(self, identity, method, below, json_body=None):
        site = vault.Management(self.latchkey, identity)
        return site.call(method, "Microsoft.Web/sites/app" + below, json_body)

    def function(self, path, key, method="GET", json_body=None):
        headers = {"x-functions-key": key} if key else {}
        url = self.latchkey.endpoints["functions"] + path
        return harness.call(method, url, headers=headers, json_body=json_body)

    def opens(self, key):
        answer = self.function("/api/RandomNumber", key)
        self.assertIn(answer.status, (200, 401))
        if answer.status == 401:
            self.assertEqual(b"", answer.body)
        return answer.status == 200

    def test_a_provisioning_script_sets_a_key_with_the_master_key(self):
        refused = self.manage("app", "POST", "/host/default/listkeys")
        self.assertEqual(403, refused.status)
        keys = self.manage("operator", "POST", "/host/default/listkeys").json()
        master = keys["masterKey"]
        self.assertTrue(self.opens(master) and self.opens(keys["functionKeys"]["default"]))
        self.assertFalse(self.opens(None) or self.opens("chosen-by-script"))

        path = "/admin/functions/RandomNumber/keys/script"
        body = {"name": "script", "value": "chosen-by-script"}
        self.assertEqual(401, self.function(path, "wrong", "PUT", body).status)
        self.assertEqual(201, self.function(path, master, "PUT", body).status)
        self.assertTrue(self.opens("chosen-by-script"))
        listed = self.manage("operator", "POST", "/functions/RandomNumber/listkeys").json()
        self.assertEqual("chosen-by-script", listed["script"])

        self.assertEqual(204, self.function(path, master, "DELETE").status)
        self.assertFalse(self.opens("chosen-by-script"))

    def test_resource_manager_sets_a_key(self):
        made = self.manage("operator", "PUT", "/functions/RandomNumber/keys/arm",
                           {"properties": {"name": "arm", "value": "chosen-by-arm"}})
        self.assertEqual((201, "chosen-by-arm"), (made.status, made.json()["properties"]["value"]))
        self.assertTrue(self.opens("chosen-by-arm"))
        for file in self.latchkey.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(b"chosen-by-arm", file.read_bytes(), file)
