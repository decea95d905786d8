// Every operation that Azure's JavaScript client for secrets has, one after the other, on the vault
// of KEY_VAULT_URL with the identity of the environment. Prints the name of each operation that did
// what it should; ends with an error at the first that did not.

import { strict as assert } from "node:assert";
import { webcrypto } from "node:crypto";
import { DefaultAzureCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

// Debian 12's own nodejs 18 does not have it as a global yet, as the SDK (which asks for 20) wants.
globalThis.crypto ??= webcrypto;

const client = new SecretClient(process.env.KEY_VAULT_URL, new DefaultAzureCredential());
const name = `js-${Date.now()}`;
const soon = new Date(Math.floor(Date.now() / 1000) * 1000 + 86_400_000);
const done = (operation) => console.log(operation);

async function refused(promise, status) {
  const error = await promise.then(() => assert.fail(`${status} expected`), (reason) => reason);
  assert.equal(error.statusCode, status, error);
}

async function all(pages, key) {
  const found = [];
  for await (const page of pages.byPage({ maxPageSize: 2 })) {
    found.push(...page.map((item) => item[key]));
  }
  return found;
}

const options = { contentType: "text/plain", tags: { a: "b" }, expiresOn: soon };
const first = await client.setSecret(name, "one", options);
assert.equal(first.value, "one");
assert.deepEqual(first.properties.expiresOn, soon);
const second = await client.setSecret(name, "two", { enabled: true, notBefore: soon });
done("set");

const version = first.properties.version;
assert.equal((await client.getSecret(name)).value, "two");
assert.equal((await client.getSecret(name, { version })).value, "one");
assert.deepEqual((await client.getSecret(name, { version })).properties.tags, { a: "b" });
await refused(client.getSecret("never-made"), 404);
done("get");

await client.updateSecretProperties(name, version, { enabled: false });
await refused(client.getSecret(name, { version }), 403);
await client.updateSecretProperties(name, "", { contentType: "newest" });
assert.equal((await client.getSecret(name)).properties.contentType, "newest");
done("update");

const more = [0, 1, 2, 3, 4].map((number) => `${name}-${number}`);
for (const each of more) await client.setSecret(each, "v");
const mine = (names) => names.filter((each) => each.startsWith(name));
assert.deepEqual(mine(await all(client.listPropertiesOfSecrets(), "name")), [name, ...more]);
assert.deepEqual(await all(client.listPropertiesOfSecretVersions(name), "version"),
  [version, second.properties.version]);
done("list");

const backup = await client.backupSecret(name);
await refused(client.restoreSecretBackup(backup), 409);
const quick = { intervalInMs: 10 };
const poller = await client.beginDeleteSecret(name, quick);
const deleted = await poller.pollUntilDone();
assert.equal((deleted.scheduledPurgeDate - deleted.deletedOn) / 86_400_000, 90);
await refused(client.getSecret(name), 404);
await refused(client.setSecret(name, "three"), 409);
done("delete");

assert.equal((await client.getDeletedSecret(name)).recoveryId, deleted.recoveryId);
for (const each of more) await (await client.beginDeleteSecret(each, quick)).pollUntilDone();
assert.deepEqual(mine(await all(client.listDeletedSecrets(), "name")), [name, ...more]);
done("list deleted");

await (await client.beginRecoverDeletedSecret(name, quick)).pollUntilDone();
assert.equal((await client.getSecret(name)).value, "two");
done("recover");

await (await client.beginDeleteSecret(name, quick)).pollUntilDone();
await client.purgeDeletedSecret(name);
await refused(client.getDeletedSecret(name), 404);
done("purge");

assert.equal((await client.restoreSecretBackup(backup)).name, name);
assert.equal((await client.getSecret(name)).value, "two");
await refused(client.restoreSecretBackup(new TextEncoder().encode("another vault's")), 400);
done("backup and restore");
