using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>Is told what the server refuses by itself.</summary>
internal abstract class BadRequestObserver(DiagnosticListener diagnostics) : IObserver<KeyValuePair<string, object?>>, IDisposable
{
    // https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/diagnostics
    private const string BadRequest = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    private IDisposable? _subscription;

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is IFeatureCollection features && features.Get<IBadRequestExceptionFeature>()?.Error is BadHttpRequestException error)
        {
            OnRefused(features, error);
        }
    }

    public void OnCompleted()
    {
        // The host ends.
    }

    public void OnError(Exception error)
    {
        // The platform's listener has none.
    }

    public void Dispose()
    {
        _subscription?.Dispose();
        GC.SuppressFinalize(this);
    }

    protected void Subscribe() => _subscription ??= diagnostics.Subscribe(this, static name => name == BadRequest);

    /// <param name="features">Of the request, as far as it was read.</param>
    /// <param name="error">What is wrong with it.</param>
    protected abstract void OnRefused(IFeatureCollection features, BadHttpRequestException error);
}
