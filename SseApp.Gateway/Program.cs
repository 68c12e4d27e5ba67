using Microsoft.Extensions.Diagnostics.HealthChecks;
using SseApp.Gateway;
using SseApp.Gateway.Tls;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Memory;

if (CredentialCommands.Are(args))
{
    return await CredentialCommands.RunAsync(args);
}

if (HealthCheckCommand.Is(args))
{
    return await HealthCheckCommand.RunAsync(args, TlsAddresses.All);
}

return await ServiceProgram.RunAsync(
    args,
    builder =>
    {
        builder.AddServiceDefaults();
        // Without Redis the gateway goes on with the replicas it knows: degraded, but ready.
        builder.AddClusterRedis(HealthStatus.Degraded);
        builder.AddGateway();
        builder.AddMemoryGuard(LeaseNames.GatewayLeaves);
    },
    app =>
    {
        app.MapGateway();
        app.MapDefaultEndpoints();
    },
    AdminOptions.GatewayDefault);
