using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.ServiceDefaults.Cluster.Signing;

/// <summary>
/// Section <c>Security</c>: the key that all replicas and gateways of a cluster share, and nobody else. By it they know each
/// other's records, commands and requests; it is never in Redis.
/// </summary>
internal sealed class SecurityOptions
{
    public const string SectionName = "Security";

    /// <summary>
    /// 32 random bytes in base64 or hexadecimal, the same for all replicas and gateways: <c>openssl rand -base64 32</c>. The
    /// AppHost makes one. Outside Development it is required; there, default: one that is made once for each user of the machine.
    /// </summary>
    [DataType(DataType.Password)]
    public string? GatewayKey { get; set; }

    /// <summary>
    /// The key before <see cref="GatewayKey"/>, while not all processes have the new one: it is accepted, and what is signed
    /// is signed with both. Default none.
    /// </summary>
    [DataType(DataType.Password)]
    public string? PreviousGatewayKey { get; set; }
}

/// <summary>Stops the start without a key, or with one that cannot be one; never shows it.</summary>
internal sealed class SecurityValidator(IHostEnvironment environment) : IValidateOptions<SecurityOptions>
{
    private const string HowTo = "make one with 'openssl rand -base64 32', and give the same to all replicas and gateways";

    public ValidateOptionsResult Validate(string? name, SecurityOptions options)
    {
        var wrong = new List<string>();
        if (string.IsNullOrWhiteSpace(options.GatewayKey))
        {
            if (!environment.IsDevelopment())
            {
                wrong.Add(
                    $"{SecurityOptions.SectionName}:{nameof(options.GatewayKey)} is not set, and without it strangers could steer the cluster; {HowTo} (variable {SecurityOptions.SectionName}__{nameof(options.GatewayKey)}).");
            }
        }
        else if (Problem(options.GatewayKey, nameof(options.GatewayKey)) is { } wrongKey)
        {
            wrong.Add(wrongKey);
        }

        if (!string.IsNullOrWhiteSpace(options.PreviousGatewayKey) && Problem(options.PreviousGatewayKey, nameof(options.PreviousGatewayKey)) is { } wrongPrevious)
        {
            wrong.Add(wrongPrevious);
        }

        return wrong.Count > 0 ? ValidateOptionsResult.Fail(wrong) : ValidateOptionsResult.Success;
    }

    private static string? Problem(string text, string name) =>
        !KeyText.TryParse(text, out var key) ? $"{SecurityOptions.SectionName}:{name} is not {KeyText.Length} bytes in base64 (44 characters) or hexadecimal (64); {HowTo}."
        : KeyText.IsGuessable(key) ? $"{SecurityOptions.SectionName}:{name} is not random (it repeats itself, or counts), and anybody could find it; {HowTo}."
        : null;
}
