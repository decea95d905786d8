// Who the API and the watcher are. Identities of their own, not of a machine: they outlive what runs under them.
param location string
param name string
param tags object
param clusterIssuer string
param clusterNamespace string

resource serve 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-serve'
  location: location
  tags: tags
}

resource watch 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-watch'
  location: location
  tags: tags
}

// A token of the cluster for this service account, and for no other, can be changed for one of the identity.
resource serveInCluster 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (!empty(clusterIssuer)) {
  parent: serve
  name: 'cluster'
  properties: {
    issuer: clusterIssuer
    subject: 'system:serviceaccount:${clusterNamespace}:latchkey-serve'
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}

resource watchInCluster 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (!empty(clusterIssuer)) {
  parent: watch
  name: 'cluster'
  properties: {
    issuer: clusterIssuer
    subject: 'system:serviceaccount:${clusterNamespace}:latchkey-watch'
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}

output serveIdentityId string = serve.id
output serveClientId string = serve.properties.clientId
output servePrincipalId string = serve.properties.principalId
output watchIdentityId string = watch.id
output watchClientId string = watch.properties.clientId
output watchPrincipalId string = watch.properties.principalId
