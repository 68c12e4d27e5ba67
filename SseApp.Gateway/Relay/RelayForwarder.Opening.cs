using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using SseApp.Gateway.AccessLog;
using SseApp.Gateway.Health;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Relay;
using Yarp.ReverseProxy.Forwarder;

namespace SseApp.Gateway.Relay;

/// <content>From the request to the first byte of the response.</content>
internal sealed partial class RelayForwarder
{
    private async Task<RelayAttempt> OpenAsync(
        RelayPool pool, HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer)
    {
        var cancellation = context.RequestAborted;
        using var message = new HttpRequestMessage(HttpMethod.Get, (Uri?)null);
        await transformer.TransformRequestAsync(context, message, destinationPrefix, cancellation);
        if (context.Response.HasStarted || context.Response.StatusCode != StatusCodes.Status200OK)
        {
            // A transform has answered.
            return new RelayAttempt(null, null, ForwarderError.None);
        }

        var uri = message.RequestUri
            ?? RequestUtilities.MakeDestinationAddress(destinationPrefix, context.Request.Path, context.Request.QueryString);
        if (uri.AbsolutePath != StreamRequests.Path)
        {
            throw new RelayRefusedException($"Its streams are at {uri.AbsolutePath}, not at {StreamRequests.Path}.");
        }

        RelayClientStream? stream = null;
        try
        {
            (var link, stream) = await pool.OpenAsync(httpClient, uri.PathAndQuery, Headers(message, uri), cancellation);
            var head = await stream.ReadHeadAsync(requestConfig?.ActivityTimeout ?? s_defaultTimeout, cancellation);
            if (!await BeginAsync(context, stream, head, transformer, cancellation))
            {
                stream.Drop();
                return new RelayAttempt(null, null, ForwarderError.None);
            }

            return new RelayAttempt(stream, link, ForwarderError.None);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or TimeoutException or ObjectDisposedException)
        {
            stream?.Drop();
            return Fail(context, exception);
        }
        catch
        {
            // A header that the server does not take, a transform that fails: the replica must not go on for nobody.
            stream?.Drop();
            throw;
        }
    }

    /// <returns>False when the transforms keep the response back, for another replica to be asked.</returns>
    private async Task<bool> BeginAsync(HttpContext context, RelayClientStream stream, RelayHead head, HttpTransformer transformer, CancellationToken cancellation)
    {
        using var answer = new HttpResponseMessage((System.Net.HttpStatusCode)head.Status) { Content = new RelayedHeaders() };
        foreach (var (name, value) in head.Headers)
        {
            if (!answer.Headers.TryAddWithoutValidation(name, value))
            {
                answer.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        context.Response.StatusCode = head.Status;
        if (!await transformer.TransformResponseAsync(context, answer, cancellation))
        {
            return false;
        }

        if (context.Features.Get<IHttpResponseBodyFeature>() is CountingBody counting)
        {
            // The stream counts what it sends; in the way, this one would keep it from the client's socket.
            context.Features.Set(counting.Inner);
        }

        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        stream.Start(await writers.StartAsync(context));
        return true;
    }

    private static List<KeyValuePair<string, string>> Headers(HttpRequestMessage message, Uri uri)
    {
        var propagator = DistributedContextPropagator.Current;
        var headers = new List<KeyValuePair<string, string>> { new("Host", message.Headers.Host ?? uri.Authority) };
        foreach (var header in message.Headers.NonValidated)
        {
            if (!string.Equals(header.Key, "Host", StringComparison.OrdinalIgnoreCase) && !propagator.Fields.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
            {
                headers.AddRange(header.Value.Select(value => KeyValuePair.Create(header.Key, value)));
            }
        }

        propagator.Inject(Activity.Current, headers, static (carrier, name, value) =>
            ((List<KeyValuePair<string, string>>)carrier!).Add(KeyValuePair.Create(name, value)));
        return headers;
    }

    private static RelayAttempt Fail(HttpContext context, Exception exception)
    {
        var (error, status) = exception switch
        {
            OperationCanceledException { InnerException: TimeoutException } or TimeoutException =>
                (ForwarderError.RequestTimedOut, StatusCodes.Status504GatewayTimeout),
            OperationCanceledException => (ForwarderError.RequestCanceled, StatusCodes.Status502BadGateway),
            _ => (ForwarderError.Request, StatusCodes.Status502BadGateway),
        };
        if (!context.Response.HasStarted)
        {
            context.Response.Clear();
            context.Response.StatusCode = status;
        }

        context.Features.Set<IForwarderErrorFeature>(new RelayFailure(error, exception));
        return new RelayAttempt(null, null, error);
    }
}
