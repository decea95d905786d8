// Every operation that Azure's JavaScript client for queues has, one after the other, on the
// account of AZURE_STORAGE_CONNECTION_STRING and with the identity of the environment. Prints the
// name of each operation that did what it should; ends with an error at the first that did not.

import { strict as assert } from "node:assert";
import { webcrypto } from "node:crypto";
import { DefaultAzureCredential } from "@azure/identity";
import {
  AccountSASPermissions, QueueClient, QueueSASPermissions, QueueServiceClient,
} from "@azure/storage-queue";

// Debian 12's own nodejs 18 does not have it as a global yet, as the SDK (which asks for 20) wants.
globalThis.crypto ??= webcrypto;

const connection = process.env.AZURE_STORAGE_CONNECTION_STRING;
const service = QueueServiceClient.fromConnectionString(connection);
const secondary = new QueueServiceClient(`${service.url}-secondary`, service.credential);
const name = `js-${Date.now()}`;
const queue = service.getQueueClient(name);
const soon = () => new Date(Date.now() + 60_000);
const done = (operation) => console.log(operation);

async function refused(promise, status, code) {
  const error = await promise.then(() => assert.fail(`${code} expected`), (reason) => reason);
  assert.deepEqual([error.statusCode, error.code ?? error.details?.errorCode], [status, code]);
}

async function names(pages) {
  const found = [];
  for await (const page of pages) found.push(...page.queueItems.map((item) => item.name));
  return found;
}

async function account() {
  await service.setProperties({
    queueAnalyticsLogging: {
      version: "1.0", deleteProperty: true, read: false, write: true,
      retentionPolicy: { enabled: true, days: 5 },
    },
    hourMetrics: {
      version: "1.0", enabled: true, includeAPIs: true, retentionPolicy: { enabled: true, days: 4 },
    },
    minuteMetrics: { version: "1.0", enabled: false, retentionPolicy: { enabled: false } },
    cors: [{
      allowedOrigins: "example.com", allowedMethods: "GET", allowedHeaders: "*",
      exposedHeaders: "*", maxAgeInSeconds: 8888,
    }],
  });
  const properties = await service.getProperties();
  assert.equal(properties.queueAnalyticsLogging.retentionPolicy.days, 5);
  assert.equal(properties.hourMetrics.includeAPIs, true);
  assert.equal(properties.cors[0].maxAgeInSeconds, 8888);
  await service.setProperties({ cors: [] });
  assert.equal((await service.getProperties()).cors?.length ?? 0, 0);
  assert.equal((await service.getProperties()).queueAnalyticsLogging.write, true, "still there");
  done("set and get service properties");
  assert.equal((await secondary.getStatistics()).geoReplication.status, "live");
  await refused(service.getStatistics(), 400, "InvalidQueryParameterValue");
  done("get statistics");
}

async function queues() {
  assert.equal(await queue.exists(), false);
  assert.equal((await queue.createIfNotExists({ metadata: { Colour: "red" } })).succeeded, true);
  await queue.create({ metadata: { Colour: "red" } });
  await refused(queue.create(), 409, "QueueAlreadyExists");
  assert.equal(await queue.exists(), true);
  for (const other of ["a", "b"]) await service.createQueue(`${name}-${other}`);
  const listed = service.listQueues({ prefix: name, includeMetadata: true });
  const all = await names(listed.byPage({ maxPageSize: 1 }));
  assert.deepEqual(all, [name, `${name}-a`, `${name}-b`]);
  await service.deleteQueue(`${name}-a`);
  assert.equal((await service.getQueueClient(`${name}-b`).deleteIfExists()).succeeded, true);
  assert.equal((await service.getQueueClient(`${name}-b`).deleteIfExists()).succeeded, false);
  done("create, list and delete queues");
  // Node's fetch gives headers in lower case.
  assert.deepEqual((await queue.getProperties()).metadata, { colour: "red" });
  await queue.setMetadata({ other: "1" });
  assert.deepEqual((await queue.getProperties()).metadata, { other: "1" });
  done("set and get metadata");
}

async function policies() {
  const start = new Date("2026-01-01T00:00:00Z");
  const expiry = new Date("2031-01-01T00:00:00Z");
  await queue.setAccessPolicy([
    { id: "whole", accessPolicy: { startsOn: start, expiresOn: expiry, permissions: "raup" } },
    { id: "end", accessPolicy: { expiresOn: expiry, permissions: "p" } },
  ]);
  const { signedIdentifiers } = await queue.getAccessPolicy();
  assert.deepEqual(signedIdentifiers[0].accessPolicy.expiresOn, expiry);
  assert.equal(signedIdentifiers[1].accessPolicy.permissions, "p");
  const byPolicy = new QueueClient(queue.generateSasUrl({ identifier: "end" }));
  await byPolicy.receiveMessages();
  await queue.setAccessPolicy();
  assert.equal((await queue.getAccessPolicy()).signedIdentifiers.length, 0);
  await refused(byPolicy.receiveMessages(), 403, "AuthenticationFailed");
  done("set and get access policies");
}

async function messages() {
  const forEver = { visibilityTimeout: 0, messageTimeToLive: -1 };
  const sent = await queue.sendMessage("<one> & é", forEver);
  assert.equal(sent.expiresOn.getUTCFullYear(), 9999);
  await queue.sendMessage("two");
  const { peekedMessageItems: peeked } = await queue.peekMessages({ numberOfMessages: 32 });
  assert.deepEqual(peeked.map((item) => item.messageText), ["<one> & é", "two"]);
  const { receivedMessageItems: [one, two] } = await queue.receiveMessages({
    numberOfMessages: 2, visibilityTimeout: 60,
  });
  assert.equal(one.dequeueCount, 1);
  const updated = await queue.updateMessage(one.messageId, one.popReceipt, "changed", 0);
  await refused(queue.deleteMessage(one.messageId, one.popReceipt), 404, "MessageNotFound");
  const now = await queue.peekMessages();
  assert.equal(now.peekedMessageItems[0].messageText, "changed");
  await queue.deleteMessage(one.messageId, updated.popReceipt);
  await queue.deleteMessage(two.messageId, two.popReceipt);
  await queue.sendMessage("three");
  await queue.clearMessages();
  assert.equal((await queue.getProperties()).approximateMessagesCount, 0);
  done("send, peek, receive, update, delete and clear messages");
}

async function signatures() {
  const bySas = new QueueServiceClient(
    service.generateAccountSasUrl(soon(), AccountSASPermissions.parse("rl"), "s"));
  assert.deepEqual(await names(bySas.listQueues({ prefix: name }).byPage()), [name]);
  await refused(bySas.createQueue(`${name}-no`), 403, "AuthorizationResourceTypeMismatch");
  done("account SAS");
  const sender = new QueueClient(queue.generateSasUrl({
    permissions: QueueSASPermissions.parse("a"), expiresOn: soon(),
  }));
  await sender.sendMessage("by SAS");
  await refused(sender.peekMessages(), 403, "AuthorizationPermissionMismatch");
  done("service SAS");
}

async function delegation() {
  const url = process.env.STORAGE_QUEUE_URL.replace(/\/[^/]*$/, "");
  const byToken = new QueueServiceClient(url, new DefaultAzureCredential());
  const key = await byToken.getUserDelegationKey(new Date(), soon());
  const sas = byToken.getQueueClient(name).generateUserDelegationSasUrl(
    { permissions: QueueSASPermissions.parse("rp"), expiresOn: soon() }, key);
  const delegated = new QueueClient(sas);
  assert.equal((await delegated.receiveMessages()).receivedMessageItems[0].messageText, "by SAS");
  await refused(delegated.sendMessage("no"), 403, "AuthorizationPermissionMismatch");
  done("user delegation key and SAS");
}

for (const part of [account, queues, policies, messages, signatures, delegation]) await part();
await queue.delete();
await refused(queue.getProperties(), 404, "QueueNotFound");
