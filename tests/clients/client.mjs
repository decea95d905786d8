// An app on Azure's JavaScript SDK: commands on standard input, one line of JSON for each.
// Knows nothing of latchkey: only the settings that an app in Azure would have as well.

import { webcrypto } from "node:crypto";
import readline from "node:readline";
import { DefaultAzureCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { QueueClient } from "@azure/storage-queue";

// Debian 12's own nodejs 18 does not have it as a global yet, as the SDK (which asks for 20) wants.
globalThis.crypto ??= webcrypto;

const credential = new DefaultAzureCredential();
const secrets = new SecretClient(process.env.KEY_VAULT_URL, credential);
const accountUrl = process.env.STORAGE_QUEUE_URL.replace(/\/[^/]*$/, "");
const queue = (name) => new QueueClient(`${accountUrl}/${name}`, credential);

const commands = {
  "read-secret": async (name) => ({ value: (await secrets.getSecret(name)).value }),
  "set-secret": async (name, value) => ({ value: (await secrets.setSecret(name, value)).value }),
  create: async (name) => {
    await queue(name).create();
    return { created: name };
  },
  put: async (name, text) => ({ id: (await queue(name).sendMessage(text)).messageId }),
  peek: async (name) => {
    const peeked = await queue(name).peekMessages({ numberOfMessages: 32 });
    return { texts: peeked.peekedMessageItems.map((message) => message.messageText) };
  },
  take: async (name) => {
    const received = await queue(name).receiveMessages();
    for (const message of received.receivedMessageItems)
      await queue(name).deleteMessage(message.messageId, message.popReceipt);
    return { texts: received.receivedMessageItems.map((message) => message.messageText) };
  },
};

function refusal(error) {
  if (!error.statusCode) return { failed: `${error.name}: ${error.message}` };
  const vault = error.details?.error;
  return {
    status: error.statusCode,
    code: vault?.code ?? error.code ?? error.details?.errorCode,
    inner: vault?.innerError?.code,
  };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(" ");
  let answer;
  try {
    answer = await commands[command](...words);
  } catch (error) {
    answer = refusal(error);
  }
  console.log(JSON.stringify(answer));
}
