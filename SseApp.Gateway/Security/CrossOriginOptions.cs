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

    /// <summary>Origins such as <c>https://app.example</c>, without a path; <c>*</c> is every origin. Default none.</summary>
    public IList<string> Origins { get; } = [];

    /// <summary>Let pages send cookies (<c>withCredentials</c>). Not together with <c>*</c>. Default false.</summary>
    public bool AllowCredentials { get; set; }

    internal bool AnyOrigin => Origins.Contains("*", StringComparer.Ordinal);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (AnyOrigin && AllowCredentials)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(AllowCredentials)} needs {nameof(Origins)} by name: browsers refuse credentials for '*'.", [nameof(AllowCredentials)]);
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
