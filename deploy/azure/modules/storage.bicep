// The account with the queue, the queue for messages that nobody can read, and the code table. Keys and SAS signed by
// them are off: who comes, comes with a token.
param location string
param accountName string
param tags object
param sku string
param queueName string
param workspaceId string

resource account 'Microsoft.Storage/storageAccounts@2022-09-01' = {
  name: accountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    // Behind a private endpoint: 'Disabled'. Azure's own services and pods come from the public network otherwise.
    publicNetworkAccess: 'Enabled'
    supportsHttpsTrafficOnly: true
  }
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2022-09-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2022-09-01' = {
  parent: queues
  name: queueName
}

resource poison 'Microsoft.Storage/storageAccounts/queueServices/queues@2022-09-01' = {
  parent: queues
  name: '${queueName}-poison'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2022-09-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2022-09-01' = {
  parent: tables
  name: 'codes'
}

// How many requests, how fast, how many refused; a log of each would cost more than it tells.
resource metrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: queues
  name: 'latchkey'
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

output accountName string = account.name
output tableName string = table.name
output queueUrl string = '${account.properties.primaryEndpoints.queue}${queueName}'
output tableUrl string = '${account.properties.primaryEndpoints.table}${table.name}'
