namespace SseApp.Events.Relay;

/// <summary>
/// The service's whole request pipeline, so that a relayed request passes everything that one of its own passes. A
/// startup filter, because the framework puts middleware of its own (routing, authentication) before the service's.
/// </summary>
internal sealed class RelayPipeline : IStartupFilter
{
    private RequestDelegate? _pipeline;

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(following => _pipeline = following);
        next(app);
    };

    public Task RunAsync(HttpContext context) =>
        (_pipeline ?? throw new InvalidOperationException("The pipeline is not built yet."))(context);
}
