using SseApp.Events;
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
    return await HealthCheckCommand.RunAsync(args, ListenAddresses.Configured);
}

return await ServiceProgram.RunAsync(
    args,
    builder => builder.AddEvents().AddMemoryGuard(LeaseNames.Reload),
    app => app.MapEvents(),
    AdminOptions.AnyFreePort);
