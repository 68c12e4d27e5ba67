using SseApp.Events;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddEvents();
    builder.AddMemoryGuard(LeaseNames.Reload);
    var app = builder.Build();
    app.MapEvents();
    var exit = app.Services.GetRequiredService<ServiceExit>();
    await app.RunAsync();
    return exit.Code;
}
catch (StartupException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
