using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>Section <c>MemoryGuard</c>: a process that grows too large drains and ends with exit code 87, so that it is restarted.</summary>
internal sealed class MemoryGuardOptions : IValidatableObject
{
    public const string SectionName = "MemoryGuard";

    /// <summary>
    /// Working set (resident memory) that must not be exceeded for long, such as <c>500MB</c>; 0 switches the guard off.
    /// Default 500 MB, enough for about 30 000 idle streams; at least 32 MB.
    /// </summary>
    public ByteSize Limit { get; set; } = new(500L << 20);

    /// <summary>How long the working set must be above the limit without a break. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan Duration { get; set; } = TimeSpan.FromSeconds(10);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Limit.Bytes is not 0 and < 32L << 20)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(Limit)} ({Limit.Bytes} bytes) must be 0 (off) or at least 32 MB (33554432 bytes); a process that does nothing needs more than that. A number without a unit is bytes.",
                [nameof(Limit)]);
        }
    }
}

internal static class MemoryGuardExtensions
{
    /// <summary>Adds the memory guard; section <c>MemoryGuard</c>.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="lease">Processes that must not leave at the same time have the same one; see <see cref="LeaseNames"/>.</param>
    public static IHostApplicationBuilder AddMemoryGuard(this IHostApplicationBuilder builder, string lease)
    {
        builder.Services.AddValidatedOptions<MemoryGuardOptions>(MemoryGuardOptions.SectionName);
        builder.Services.AddLeases();
        builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<MemoryGuard>(services, lease));
        return builder;
    }
}
