using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Security;

/// <summary>
/// Section <c>Cors</c>: pages of other origins that may read streams and publish. The console and the operator API are
/// never open to them; routes from configuration name a policy of their own, or this one (<c>events</c>).
/// </summary>
public sealed class CrossOriginOptions : IValidatableObject
{
    public const string SectionName = "Cors";

    /// <summary>Name of the policy for <c>CorsPolicy</c> of a route.</summary>
    public const string PolicyName = "events";

    /// <summary>The policy of <c>/session</c>, which can be deleted.</summary>
    internal const string SessionPolicyName = "session";

    /// <summary>Origins such as <c>https://app.example</c>, without a path; <c>*</c> is every origin. Default none.</summary>
    public IList<string> Origins { get; } = [];

    /// <summary>Let pages send cookies (<c>withCredentials</c>), such as that of <c>POST /session</c>. Not together with <c>*</c>. Default false.</summary>
    public bool AllowCredentials { get; set; }

    /// <summary>
    /// Methods that pages may use beside <c>GET</c>, <c>HEAD</c> and <c>POST</c>, for routes from configuration that name this policy, such
    /// as <c>PUT</c>. Default none.
    /// </summary>
    public IList<string> Methods { get; } = [];

    /// <summary>
    /// Headers that pages may send beside <c>Accept</c>, <c>Authorization</c>, <c>Cache-Control</c>, <c>Content-Type</c>, <c>Idempotency-Key</c>,
    /// <c>Last-Event-ID</c>, <c>X-Requested-With</c>, <c>traceparent</c>, <c>tracestate</c> and <c>baggage</c>. Default none.
    /// </summary>
    public IList<string> Headers { get; } = [];

    internal bool AnyOrigin => Origins.Contains("*", StringComparer.Ordinal);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (AnyOrigin && AllowCredentials)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(AllowCredentials)} needs {nameof(Origins)} by name: browsers refuse credentials for '*'.", [nameof(AllowCredentials)]);
        }

        foreach (var (name, value) in Methods.Select(method => (nameof(Methods), method)).Concat(Headers.Select(header => (nameof(Headers), header))))
        {
            // '*' would be every one of them, and with credentials a name that nothing has.
            if (value == "*" || !HeaderName.IsValid(value))
            {
                yield return new ValidationResult($"{SectionName}:{name} has '{value}'; write each by its name.", [name]);
            }
        }

        foreach (var origin in Origins.Where(origin => origin is not "*"))
        {
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.GetLeftPart(UriPartial.Authority) != origin)
            {
                yield return new ValidationResult(
                    $"{SectionName}:{nameof(Origins)} has '{origin}'; an origin is scheme, host and port as a browser sends them, such as https://app.example, without a path or a slash at the end.",
                    [nameof(Origins)]);
            }
        }
    }
}
