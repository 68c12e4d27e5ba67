using System.Diagnostics;
using SseApp.Gateway.Health;

namespace SseApp.Gateway.Relay;

/// <summary>Relayed requests and answers as YARP and its transforms have them.</summary>
internal static class RelayMessages
{
    /// <summary>Where the transforms want the request to go.</summary>
    public static Uri Address(HttpRequestMessage message, in Forward forward) =>
        message.RequestUri
        ?? RequestUtilities.MakeDestinationAddress(forward.DestinationPrefix, forward.Context.Request.Path, forward.Context.Request.QueryString);

    /// <summary>What a request of its own would have sent.</summary>
    public static List<KeyValuePair<string, string>> Headers(HttpRequestMessage message, Uri uri)
    {
        var propagator = DistributedContextPropagator.Current;
        var headers = new List<KeyValuePair<string, string>>(16) { new("Host", message.Headers.Host ?? uri.Authority) };
        foreach (var header in message.Headers.NonValidated)
        {
            if (!string.Equals(header.Key, "Host", StringComparison.OrdinalIgnoreCase) && !propagator.Fields.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
            {
                Add(headers, header);
            }
        }

        if (message.Content is { } content)
        {
            foreach (var header in content.Headers.NonValidated)
            {
                Add(headers, header);
            }
        }

        propagator.Inject(Activity.Current, headers, static (carrier, name, value) =>
            ((List<KeyValuePair<string, string>>)carrier!).Add(KeyValuePair.Create(name, value)));
        return headers;
    }

    /// <summary>An answer whose body comes another way.</summary>
    public static HttpResponseMessage Answer(int status, IEnumerable<KeyValuePair<string, string>> headers)
    {
        var answer = new HttpResponseMessage((HttpStatusCode)status) { Content = new HeadersOnly() };
        foreach (var (name, value) in headers)
        {
            if (!answer.Headers.TryAddWithoutValidation(name, value))
            {
                answer.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return answer;
    }

    /// <summary>Leaves with the request what YARP's own forwarder would: retries, refusals and health read it.</summary>
    public static ForwarderError Fail(HttpContext context, Exception exception)
    {
        var (error, status) = exception switch
        {
            OperationCanceledException { InnerException: TimeoutException } or TimeoutException =>
                (ForwarderError.RequestTimedOut, StatusCodes.Status504GatewayTimeout),
            OperationCanceledException => (ForwarderError.RequestCanceled, StatusCodes.Status502BadGateway),
            BadHttpRequestException bad => (ForwarderError.RequestBodyClient, bad.StatusCode),
            _ => (ForwarderError.Request, StatusCodes.Status502BadGateway),
        };
        if (!context.Response.HasStarted)
        {
            context.Response.Clear();
            context.Response.StatusCode = status;
        }

        context.Features.Set<IForwarderErrorFeature>(new RelayFailure(error, exception));
        return error;
    }

    private static void Add(List<KeyValuePair<string, string>> headers, KeyValuePair<string, System.Net.Http.Headers.HeaderStringValues> header)
    {
        foreach (var value in header.Value)
        {
            headers.Add(KeyValuePair.Create(header.Key, value));
        }
    }

    /// <summary>Carries the headers of a message whose body comes another way.</summary>
    internal sealed class HeadersOnly : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            throw new NotSupportedException("The body comes over the relay connection.");

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
