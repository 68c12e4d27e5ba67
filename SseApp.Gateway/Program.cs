using Microsoft.Extensions.Options;
using SseApp.Gateway;
using SseApp.Gateway.Routing;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Leases;
using SseApp.ServiceDefaults.Lifetime;
using SseApp.ServiceDefaults.Memory;

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults();
    builder.AddRegistryConnection();
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
