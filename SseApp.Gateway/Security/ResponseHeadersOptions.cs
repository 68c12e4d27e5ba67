using System.Net.Http.Headers;

namespace SseApp.Gateway.Security;

/// <summary>
/// Section <c>ResponseHeaders</c>: headers of every response, the proxied ones and errors included. Without it, <c>X-Content-Type-Options:
/// nosniff</c> is on all of them and <c>Server</c> on none, whatever a service behind the gateway sent.
/// </summary>
public sealed class ResponseHeadersOptions : IValidatableObject
{
    public const string SectionName = "ResponseHeaders";

    // They frame the message or say how its bytes are to be read.
    private static readonly HashSet<string> s_reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Keep-Alive", "Retry-After", "Set-Cookie",
        "Trailer", "Transfer-Encoding", "Upgrade",
    };

    /// <summary>Headers to set, by name; a value that a service behind the gateway sent is replaced. Default none.</summary>
    public IDictionary<string, string> Set { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Names of headers that must not leave the gateway. Default none.</summary>
    public IList<string> Remove { get; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var name in Set.Keys.Concat(Remove))
        {
            if (s_reserved.Contains(name))
            {
                yield return new ValidationResult($"{SectionName} names '{name}', which the gateway needs to frame its responses; remove it from the section.");
            }
            else if (name.All(char.IsAsciiDigit))
            {
                // A list of lines, as nginx has them: a header of the name "0", and not the one that was meant.
                yield return new ValidationResult($"{SectionName}:{nameof(Set)}:{name} is an item of a list, but {SectionName}:{nameof(Set)} has a value for each name of a header, such as {SectionName}:{nameof(Set)}:X-Robots-Tag.");
            }
            else if (!HeaderName(name))
            {
                yield return new ValidationResult($"{SectionName} names '{name}', which is no header name.");
            }
        }

        foreach (var (name, value) in Set)
        {
            if (value.Any(character => character is < ' ' or > '~'))
            {
                yield return new ValidationResult($"{SectionName}:{nameof(Set)}:{name} must be printable ASCII on one line.");
            }
        }
    }

    private static bool HeaderName(string name)
    {
        try
        {
            return new ProductHeaderValue(name).Name.Length > 0;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            return false;
        }
    }
}
