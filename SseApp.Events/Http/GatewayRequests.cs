using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Events.Http;

internal static class GatewayRequests
{
    private const string Misdirected = "misdirected";

    /// <summary>
    /// Distinguishes what parts of this cluster send from what strangers send who reach this replica directly. What those say
    /// of somebody else, in headers that gateways set, is taken away; a signature that is not right is refused.
    /// </summary>
    /// <param name="app">The service.</param>
    /// <param name="replica">This replica's id.</param>
    public static void UseGatewayRequests(this WebApplication app, string replica)
    {
        var signature = app.Services.GetRequiredService<RequestSignature>();
        var forged = app.Services.GetRequiredService<ForgedRecords>();
        app.Use((context, next) =>
        {
            // A relayed stream: its connection is signed.
            if (context.Features.Get<SignedRequest>() is not null)
            {
                return next(context);
            }

            if (!context.Request.Headers.TryGetValue(RequestSignature.Header, out var given))
            {
                ForgetClaims(context.Request.Headers);
                return next(context);
            }

            if (signature.Verify(context, replica, out var fault) is { } purpose)
            {
                if (purpose == RequestPurpose.Client)
                {
                    context.Features.Set(SignedRequest.ForClient);
                    // Gateways put it on all that they answer: here it would be written, read and replaced for nothing.
                    context.Response.Headers.XContentTypeOptions = default;
                }
                else
                {
                    context.Features.Set(new SignedRequest(purpose));
                }

                return next(context);
            }

            if (ReferenceEquals(fault, RequestSignature.ForAnother) && given.ToString()[0] == (char)RequestPurpose.Client)
            {
                // A gateway that does not know yet that a replica has ended, and another one has its address: it has to ask again.
                context.Response.Headers[StreamHeaders.Refused] = Misdirected;
                return Problems.Misdirected(context).ExecuteAsync(context);
            }

            forged.Add(ForgedKind.Request, context.Request.Path.Value ?? "", fault);
            return Problems.Forbidden(
                "The signature of the request does not count here. Gateways and replicas need the same Security:GatewayKey and clocks that agree; others send no signature.",
                KeyValuePair.Create<string, object?>(Problems.Reason, "forged")).ExecuteAsync(context);
        });
    }

    private static void ForgetClaims(IHeaderDictionary headers)
    {
        List<string>? claims = null;
        foreach (var (name, _) in headers)
        {
            if (IsClaim(name))
            {
                (claims ??= []).Add(name);
            }
        }

        claims?.ForEach(name => headers.Remove(name));
    }

    private static bool IsClaim(string name) =>
        name.StartsWith("X-", StringComparison.OrdinalIgnoreCase)
            ? name.Equals("X-Real-IP", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("X-Original-", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith(RequestSignature.HeaderPrefix, StringComparison.OrdinalIgnoreCase)
            : name.Equals("Forwarded", StringComparison.OrdinalIgnoreCase) || name.Equals(StreamHeaders.Placement, StringComparison.OrdinalIgnoreCase);
}
