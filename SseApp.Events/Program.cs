using SseApp.Events;

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddEvents();
    var app = builder.Build();
    app.MapEvents();
    await app.RunAsync();
    return 0;
}
catch (StartupException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
