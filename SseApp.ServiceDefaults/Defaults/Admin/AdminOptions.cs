using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Admin;

/// <summary>
/// Section <c>Admin</c>: the listener for operators, apart from that for clients. It has <c>/admin/…</c>,
/// <c>DELETE /topics/{topic}</c>, <c>/metrics</c> and <c>/health</c> with its reasons, for whoever sends the key of <see cref="KeyFile"/>.
/// </summary>
public sealed class AdminOptions : IValidatableObject
{
    public const string SectionName = "Admin";

    internal const string GatewayDefault = "http://127.0.0.1:8081";

    /// <summary>What a replica has for <see cref="Urls"/>: several of them on one machine must not want the same port.</summary>
    internal const string AnyFreePort = "http://127.0.0.1:0";

    /// <summary>
    /// Where operators are answered; several addresses are separated by semicolons; port 0 is any free one, which the log names; empty: nowhere.
    /// <c>https://</c> takes the certificate of <c>Kestrel:Certificates:Default</c>. Default of a gateway
    /// <c>http://127.0.0.1:8081</c>, of a replica <c>http://127.0.0.1:0</c>.
    /// </summary>
    public string Urls { get; set; } = GatewayDefault;

    /// <summary>
    /// File with the key of operators: 32 random bytes in base64url, base64 or hexadecimal digits, of this service's user and of
    /// mode 600. It is made at the start where there is none. Default <c>sseapp/admin.key</c> in <c>$XDG_STATE_HOME</c> or <c>~/.local/state</c>; where that
    /// cannot be written, <c>sseapp-UID/admin.key</c> in the folder for temporary files or in <c>/dev/shm</c>.
    /// </summary>
    public string? KeyFile { get; set; }

    internal IReadOnlyList<BindingAddress> Addresses => [.. ListenAddresses.Parse(Urls)];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        string? problem = null;
        try
        {
            if (Addresses.Any(address => address.Scheme is not ("http" or "https") || address.Port > ushort.MaxValue || address.PathBase.Length > 0))
            {
                problem = "an address has http:// or https://, a host, a port of at most 65535 and no path";
            }
        }
        catch (FormatException exception)
        {
            problem = exception.Message.TrimEnd('.');
        }

        if (problem is not null)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(Urls)} is '{Urls}': {problem}. Write addresses such as http://127.0.0.1:8081, separated by semicolons, or nothing for no operator listener.", [nameof(Urls)]);
        }
    }
}
