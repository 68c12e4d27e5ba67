using SseApp.Gateway.Clients;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;

namespace SseApp.Gateway.Security;

/// <summary>Answers 403 to clients that section <c>Access</c> keeps out. Trying again cannot help them, so it is 403 for streams too.</summary>
internal sealed class AccessMiddleware(RequestDelegate next, AccessRules rules, GatewayMetrics metrics)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (rules.Allows(context.Connection.RemoteIpAddress) || LocalProbes.IsProbe(context))
        {
            return next(context);
        }

        metrics.Refused(GatewayMetrics.AddressDenied);
        return Problems.WriteAsync(
            context,
            StatusCodes.Status403Forbidden,
            $"The address {context.Connection.RemoteIpAddress} may not use this gateway ({AccessOptions.SectionName}:{nameof(AccessOptions.Allow)}, {nameof(AccessOptions.Deny)}).",
            GatewayMetrics.AddressDenied);
    }
}

/// <summary>
/// Section <c>Access</c>: who may use the gateway at all, by client address. Entries are addresses or CIDR ranges, IPv4 or
/// IPv6. A change of the configuration file takes effect at once; a change that cannot be read leaves the lists as they were.
/// </summary>
public sealed class AccessOptions : IValidatableObject
{
    public const string SectionName = "Access";

    /// <summary>When not empty, everybody else gets 403. Default empty: everybody may.</summary>
    public IList<string> Allow { get; } = [];

    /// <summary>Who gets 403 even when allowed. Default empty.</summary>
    public IList<string> Deny { get; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        AddressList.Check($"{SectionName}:{nameof(Allow)}", Allow)
            .Concat(AddressList.Check($"{SectionName}:{nameof(Deny)}", Deny))
            .Select(error => new ValidationResult(error, [nameof(Allow), nameof(Deny)]));
}
