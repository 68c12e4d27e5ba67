using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using SseApp.Gateway;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults();
    // Without Redis the gateway goes on with the replicas it knows: degraded, but ready.
    builder.AddClusterRedis(HealthStatus.Degraded);
    builder.AddGateway();
    builder.AddMemoryGuard(LeaseNames.GatewayLeaves);

    var app = builder.Build();
    app.MapGateway();
    app.MapDefaultEndpoints();
    var exit = app.Services.GetRequiredService<ServiceExit>();
    await app.RunAsync();
    return exit.Code;
}
catch (OptionsValidationException exception)
{
    // The message says what to change; a stack trace would bury it.
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
