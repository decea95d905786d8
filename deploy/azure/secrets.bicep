// The vault's two secrets, and who may read which. After main.bicep and after the function's code is there: only then has
// the function a key. The key goes from the function app to the vault inside Azure Resource Manager; it is in no output, no
// parameter and no log.
targetScope = 'resourceGroup'

param vaultName string
param numberAppName string
param servePrincipalId string
param watchPrincipalId string

@description('Vault secret with API keys that the API reads as well. Empty: none.')
param apiKeysSecretName string = ''

@description('Long random text for a vault that has no pepper yet. Empty: the pepper that is there stays.')
@secure()
param pepper string = ''

var secretsUser = {
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6'
}
var secretsUserId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser['Key Vault Secrets User'])

resource vault 'Microsoft.KeyVault/vaults@2022-07-01' existing = {
  name: vaultName
}

resource numberFunction 'Microsoft.Web/sites/functions@2022-03-01' existing = {
  name: '${numberAppName}/RandomNumber'
}

resource numberKey 'Microsoft.KeyVault/vaults/secrets@2022-07-01' = {
  parent: vault
  name: 'third-party-api-key'
  properties: {
    contentType: 'function key of RandomNumber'
    value: numberFunction.listKeys().default
  }
}

resource newPepper 'Microsoft.KeyVault/vaults/secrets@2022-07-01' = if (!empty(pepper)) {
  parent: vault
  name: 'code-pepper'
  properties: {
    contentType: 'text/plain'
    value: pepper
  }
}

resource codePepper 'Microsoft.KeyVault/vaults/secrets@2022-07-01' existing = {
  parent: vault
  name: 'code-pepper'
}

resource apiKeys 'Microsoft.KeyVault/vaults/secrets@2022-07-01' existing = if (!empty(apiKeysSecretName)) {
  parent: vault
  name: empty(apiKeysSecretName) ? 'none' : apiKeysSecretName
}

resource serveReadsNumberKey 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: numberKey
  name: guid(numberKey.id, servePrincipalId, secretsUserId)
  properties: {
    principalId: servePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: secretsUserId
  }
}

resource serveReadsApiKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(apiKeysSecretName)) {
  scope: apiKeys
  name: guid(apiKeys.id, servePrincipalId, secretsUserId)
  properties: {
    principalId: servePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: secretsUserId
  }
}

resource readPepper 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for id in [servePrincipalId, watchPrincipalId]: {
  scope: codePepper
  name: guid(codePepper.id, id, secretsUserId)
  properties: {
    principalId: id
    principalType: 'ServicePrincipal'
    roleDefinitionId: secretsUserId
  }
  dependsOn: [
    newPepper
  ]
}]
