// API and watcher as container apps, each under its own identity.
param location string
param name string
param tags object
param image string
param registryName string
param serveIdentityId string
param serveClientId string
param watchIdentityId string
param watchClientId string
param workspaceId string
param entraAudience string
param apiKeysSecretName string
param vaultUrl string
param queueUrl string
param tableUrl string
param numberUrl string

// A registry's address is its name and what the cloud adds.
var registryServer = '${registryName}${environment().suffixes.acrLoginServer}'

var commonEnvironment = [
  {
    name: 'KEY_VAULT_URL'
    value: vaultUrl
  }
  {
    name: 'STORAGE_QUEUE_URL'
    value: queueUrl
  }
  {
    name: 'CODE_TABLE_URL'
    value: tableUrl
  }
]
var callers = empty(entraAudience) ? [
  {
    name: 'API_KEYS_SECRET_NAME'
    value: apiKeysSecretName
  }
] : [
  {
    name: 'ENTRA_AUDIENCE'
    value: entraAudience
  }
  {
    name: 'ENTRA_TENANT_ID'
    value: subscription().tenantId
  }
]

resource environmentOfApps 'Microsoft.App/managedEnvironments@2022-10-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'azure-monitor'
    }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: environmentOfApps
  name: 'latchkey'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'ContainerAppConsoleLogs'
        enabled: true
      }
    ]
  }
}

resource serve 'Microsoft.App/containerApps@2022-10-01' = {
  name: '${name}-serve'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${serveIdentityId}': {}
    }
  }
  properties: {
    managedEnvironmentId: environmentOfApps.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: 8080
        transport: 'http'
        allowInsecure: false
      }
      registries: empty(registryName) ? [] : [
        {
          server: registryServer
          identity: serveIdentityId
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'serve'
          image: image
          args: [
            'serve'
          ]
          env: concat(commonEnvironment, callers, [
            {
              name: 'AZURE_CLIENT_ID'
              value: serveClientId
            }
            {
              name: 'THIRD_PARTY_API_ENDPOINT'
              value: numberUrl
            }
            {
              name: 'THIRD_PARTY_API_SECRET_NAME'
              value: 'third-party-api-key'
            }
            {
              name: 'DRAIN_DELAY'
              value: '15s'
            }
          ])
          resources: {
            cpu: json('0.25')
            memory: '0.5Gi'
          }
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: 8080
              }
              periodSeconds: 10
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: 8080
              }
              periodSeconds: 10
              failureThreshold: 6
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: 8080
              }
              periodSeconds: 3
              timeoutSeconds: 10
              failureThreshold: 2
            }
          ]
        }
      ]
      scale: {
        minReplicas: 2
        maxReplicas: 10
      }
    }
  }
}

resource watch 'Microsoft.App/containerApps@2022-10-01' = {
  name: '${name}-watch'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${watchIdentityId}': {}
    }
  }
  properties: {
    managedEnvironmentId: environmentOfApps.id
    configuration: {
      activeRevisionsMode: 'Single'
      registries: empty(registryName) ? [] : [
        {
          server: registryServer
          identity: watchIdentityId
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'watch'
          image: image
          args: [
            'watch'
          ]
          env: concat(commonEnvironment, [
            {
              name: 'AZURE_CLIENT_ID'
              value: watchClientId
            }
            {
              name: 'METRICS_PORT'
              value: '9464'
            }
            {
              name: 'METRICS_LISTEN'
              value: '0.0.0.0'
            }
          ])
          resources: {
            cpu: json('0.25')
            memory: '0.5Gi'
          }
          // Nothing comes in from outside; the platform's own probes do.
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: 9464
              }
              periodSeconds: 10
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: 9464
              }
              periodSeconds: 10
              failureThreshold: 6
            }
          ]
        }
      ]
      scale: {
        minReplicas: 2
        maxReplicas: 4
      }
    }
  }
}

output url string = 'https://${serve.properties.configuration.ingress.fqdn}'
