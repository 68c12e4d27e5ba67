using Microsoft.AspNetCore.Cors.Infrastructure;

namespace SseApp.Gateway.Security;

internal sealed class CrossOriginSetup(IOptions<CrossOriginOptions> settings) : IConfigureOptions<CorsOptions>
{
    // The longest that Chromium keeps the answer to a preflight.
    private static readonly TimeSpan s_preflightAge = TimeSpan.FromHours(2);

    public void Configure(CorsOptions options) => options.AddPolicy(CrossOriginOptions.PolicyName, policy =>
    {
        policy.AllowAnyMethod().AllowAnyHeader().WithExposedHeaders("Retry-After").SetPreflightMaxAge(s_preflightAge);
        if (settings.Value.AnyOrigin)
        {
            policy.AllowAnyOrigin();
        }
        else
        {
            policy.WithOrigins([.. settings.Value.Origins]);
        }

        if (settings.Value.AllowCredentials)
        {
            policy.AllowCredentials();
        }
    });
}
