using Microsoft.Extensions.Options;
using SseApp.Gateway;
using SseApp.Gateway.Routing;
using SseApp.ServiceDefaults;

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults();
    builder.AddRegistryConnection();
    builder.AddGateway();

    var app = builder.Build();
    app.MapGateway();
    app.MapDefaultEndpoints();
    await app.RunAsync();
    return 0;
}
catch (OptionsValidationException exception)
{
    // The message says what to change; a stack trace would bury it.
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
