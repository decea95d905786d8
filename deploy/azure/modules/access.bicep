// Who may do what: every role assignment but those on secrets (secrets.bicep), each at the narrowest scope that Azure has.
param serveId string
param watchId string
param numberId string
param accountName string
param queueName string
param tableName string
param hostAccountName string
param registryName string

// Azure's built-in roles by their names. tests/test_deploy_azure.py holds them against the roles of the local cloud.
var roles = {
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  'Storage Queue Data Message Sender': 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  AcrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
}

resource account 'Microsoft.Storage/storageAccounts@2022-09-01' existing = {
  name: accountName

  resource queues 'queueServices' existing = {
    name: 'default'

    resource codes 'queues' existing = {
      name: queueName
    }

    resource poison 'queues' existing = {
      name: '${queueName}-poison'
    }
  }

  resource tables 'tableServices' existing = {
    name: 'default'

    resource codes 'tables' existing = {
      name: tableName
    }
  }
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2022-09-01' existing = {
  name: hostAccountName
}

resource registry 'Microsoft.ContainerRegistry/registries@2022-12-01' existing = if (!empty(registryName)) {
  name: empty(registryName) ? 'none' : registryName
}

// The API puts messages, and can neither read nor take them.
resource servePuts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::queues::codes
  name: guid(account::queues::codes.id, serveId, roles['Storage Queue Data Message Sender'])
  properties: {
    principalId: serveId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Queue Data Message Sender'])
  }
}

resource serveKeepsCodes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::tables::codes
  name: guid(account::tables::codes.id, serveId, roles['Storage Table Data Contributor'])
  properties: {
    principalId: serveId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Table Data Contributor'])
  }
}

// The watcher takes, hides and deletes: Message Processor may not change when a message is visible again.
resource watchTakes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::queues::codes
  name: guid(account::queues::codes.id, watchId, roles['Storage Queue Data Contributor'])
  properties: {
    principalId: watchId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Queue Data Contributor'])
  }
}

resource watchPutsAside 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::queues::poison
  name: guid(account::queues::poison.id, watchId, roles['Storage Queue Data Message Sender'])
  properties: {
    principalId: watchId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Queue Data Message Sender'])
  }
}

resource watchKeepsCodes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::tables::codes
  name: guid(account::tables::codes.id, watchId, roles['Storage Table Data Contributor'])
  properties: {
    principalId: watchId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Table Data Contributor'])
  }
}

// What the Functions host keeps for itself, its keys among it, lies in blobs of an account that nobody else uses.
resource numberHost 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: hostAccount
  name: guid(hostAccount.id, numberId, roles['Storage Blob Data Owner'])
  properties: {
    principalId: numberId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Owner'])
  }
}

resource pulls 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for id in (empty(registryName) ? [] : [serveId, watchId]): {
  scope: registry
  name: guid(registry.id, id, roles.AcrPull)
  properties: {
    principalId: id
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.AcrPull)
  }
}]
