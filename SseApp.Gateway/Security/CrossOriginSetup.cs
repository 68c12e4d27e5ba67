using Microsoft.AspNetCore.Cors.Infrastructure;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Security;

internal sealed class CrossOriginSetup(IOptions<CrossOriginOptions> settings) : IConfigureOptions<CorsOptions>
{
    // The longest that Chromium keeps the answer to a preflight.
    private static readonly TimeSpan s_preflightAge = TimeSpan.FromHours(2);

    // What a stream, its history and a publish need, what the clients for browsers that are no EventSource send, and traces. A
    // page needs no leave for Accept.
    private static readonly string[] s_methods = [HttpMethods.Get, HttpMethods.Head, HttpMethods.Post];
    private static readonly string[] s_headers =
        ["Accept", "Authorization", "Cache-Control", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-Requested-With", "traceparent", "tracestate", "baggage"];

    public void Configure(CorsOptions options)
    {
        options.AddPolicy(CrossOriginOptions.PolicyName, policy => Configure(policy, []));
        options.AddPolicy(CrossOriginOptions.SessionPolicyName, policy => Configure(policy, [HttpMethods.Delete]));
    }

    private void Configure(CorsPolicyBuilder policy, string[] more)
    {
        policy.WithMethods([.. s_methods, .. more, .. settings.Value.Methods]).WithHeaders([.. s_headers, .. settings.Value.Headers]).WithExposedHeaders("Retry-After").SetPreflightMaxAge(s_preflightAge);
        if (settings.Value.AnyOrigin)
        {
            policy.AllowAnyOrigin();
        }
        else
        {
            // By the rule that publishes have; the platform compares texts.
            var origins = settings.Value.Origins.ToArray();
            policy.SetIsOriginAllowed(origin => Array.Exists(origins, listed => PageOrigin.IsSame(origin, listed)));
        }

        if (settings.Value.AllowCredentials)
        {
            policy.AllowCredentials();
        }
    }
}
