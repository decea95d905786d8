// The vault. Roles decide who reads its secrets (access.bicep and secrets.bicep assign them).
param location string
param vaultName string
param tags object
param recoverableDays int
param recover bool
param workspaceId string

resource vault 'Microsoft.KeyVault/vaults@2022-07-01' = {
  name: vaultName
  location: location
  tags: tags
  properties: {
    createMode: recover ? 'recover' : 'default'
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: recoverableDays
    // Who loses the pepper loses every valid code: nobody may purge it before its time.
    enablePurgeProtection: true
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: 'Enabled'
  }
}

// Who read which secret, and who was refused.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'latchkey'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

output vaultName string = vault.name
output url string = 'https://${vault.name}${environment().suffixes.keyvaultDns}'
