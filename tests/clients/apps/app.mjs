// Reads a secret, sends a queue message; see README.md.

import { webcrypto } from "node:crypto";
import { DefaultAzureCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { QueueClient } from "@azure/storage-queue";

// Debian 12's own nodejs 18 does not have it as a global yet, as the SDK (which asks for 20) wants.
globalThis.crypto ??= webcrypto;

const [vaultUrl, secretName, queueUrl, text] = process.argv.slice(2);
const credential = new DefaultAzureCredential();
const secrets = new SecretClient(vaultUrl, credential);
const queue = new QueueClient(queueUrl, credential);

async function outcome(call) {
  try {
    return await call();
  } catch (error) {
    if (!error.statusCode) throw error;
    return { status: error.statusCode, code: error.details?.error?.code ?? error.code };
  }
}

console.log(
  JSON.stringify({
    secret: await outcome(async () => (await secrets.getSecret(secretName)).value),
    message: await outcome(async () => (await queue.sendMessage(text)).messageId),
  }),
);
