// Everything of the walkthrough, and no key anywhere: storage account with queue and code table, vault, the number API as
// a function app, and the identities of API and watcher with the roles that they need at the narrowest scope. With
// `image` set, API and watcher run as container apps; without, they run where you like (a cluster, machines) under these
// identities. provision.sh deploys this, then the function's code, then secrets.bicep.
targetScope = 'resourceGroup'

@description('Where everything is.')
param location string = resourceGroup().location

@description('Begins the names of the resources; lower-case letters and digits.')
@minLength(3)
@maxLength(10)
param name string = 'latchkey'

@description('Tags of all resources.')
param tags object = {
  app: 'latchkey'
}

@description('Name of the queue, as in the walkthrough.')
param queueName string = 'code-requests'

@description('REGISTRY.azurecr.io/latchkey:VERSION. Empty: no container apps are made.')
param image string = ''

@description('Name of the container registry in this resource group that has the image. Empty: the image is public.')
param registryName string = ''

@description('Who may call the API: the application ID URI of its app registration; tokens need the roles of docs/api.md.')
param entraAudience string = ''

@description('Or: the vault\'s secret with API keys, by hash. Put there what `latchkey api-key new` prints.')
param apiKeysSecretName string = ''

@description('Issuer of a Kubernetes cluster whose service accounts latchkey-serve and latchkey-watch get these identities.')
param clusterIssuer string = ''

@description('Namespace of those service accounts.')
param clusterNamespace string = 'latchkey'

@description('How long the vault and its secrets can be recovered once deleted.')
@minValue(7)
@maxValue(90)
param vaultRecoverableDays int = 90

@description('Bring back the vault of this name that was deleted, rather than make one.')
param recoverVault bool = false

@description('Standard_LRS where the region has no zones.')
@allowed([
  'Standard_ZRS'
  'Standard_LRS'
])
param storageSku string = 'Standard_ZRS'

// Accounts, vaults and function apps have names that the whole world shares.
var unique = take(uniqueString(resourceGroup().id), 8)

module identities 'modules/identities.bicep' = {
  name: 'identities'
  params: {
    location: location
    name: name
    tags: tags
    clusterIssuer: clusterIssuer
    clusterNamespace: clusterNamespace
  }
}

module logs 'modules/logs.bicep' = {
  name: 'logs'
  params: {
    location: location
    name: name
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    location: location
    accountName: '${name}${unique}'
    tags: tags
    sku: storageSku
    queueName: queueName
    workspaceId: logs.outputs.workspaceId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    location: location
    vaultName: '${name}-${unique}'
    tags: tags
    recoverableDays: vaultRecoverableDays
    recover: recoverVault
    workspaceId: logs.outputs.workspaceId
  }
}

module number 'modules/number.bicep' = {
  name: 'number'
  params: {
    location: location
    appName: '${name}-number-${unique}'
    hostAccountName: '${name}fn${unique}'
    tags: tags
  }
}

module access 'modules/access.bicep' = {
  name: 'access'
  params: {
    serveId: identities.outputs.servePrincipalId
    watchId: identities.outputs.watchPrincipalId
    numberId: number.outputs.principalId
    accountName: storage.outputs.accountName
    queueName: queueName
    tableName: storage.outputs.tableName
    hostAccountName: number.outputs.hostAccountName
    registryName: registryName
  }
}

module apps 'modules/apps.bicep' = if (!empty(image)) {
  name: 'apps'
  params: {
    location: location
    name: name
    tags: tags
    image: image
    registryName: registryName
    serveIdentityId: identities.outputs.serveIdentityId
    serveClientId: identities.outputs.serveClientId
    watchIdentityId: identities.outputs.watchIdentityId
    watchClientId: identities.outputs.watchClientId
    workspaceId: logs.outputs.workspaceId
    entraAudience: entraAudience
    apiKeysSecretName: apiKeysSecretName
    vaultUrl: vault.outputs.url
    queueUrl: storage.outputs.queueUrl
    tableUrl: storage.outputs.tableUrl
    numberUrl: number.outputs.url
  }
  // The identities must be able to get the image and to read the queue when the apps start.
  dependsOn: [
    access
  ]
}

output vaultName string = vault.outputs.vaultName
output numberAppName string = number.outputs.appName
output accountName string = storage.outputs.accountName
output queueName string = queueName
output servePrincipalId string = identities.outputs.servePrincipalId
output watchPrincipalId string = identities.outputs.watchPrincipalId
output apiUrl string = empty(image) ? '' : apps.outputs.url

// The settings of docs/settings.md for a cluster or a machine of your own.
output KEY_VAULT_URL string = vault.outputs.url
output STORAGE_QUEUE_URL string = storage.outputs.queueUrl
output CODE_TABLE_URL string = storage.outputs.tableUrl
output THIRD_PARTY_API_ENDPOINT string = number.outputs.url
output SERVE_CLIENT_ID string = identities.outputs.serveClientId
output WATCH_CLIENT_ID string = identities.outputs.watchClientId
