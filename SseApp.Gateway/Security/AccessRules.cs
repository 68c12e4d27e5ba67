using Microsoft.Extensions.Primitives;
using SseApp.Gateway.Clients;

namespace SseApp.Gateway.Security;

/// <summary>The lists of section <c>Access</c> as they are now.</summary>
internal sealed partial class AccessRules : IDisposable
{
    private readonly IConfiguration _configuration;
    private readonly ILogger<AccessRules> _logger;
    private readonly IDisposable _changes;
    private Lists _lists;

    public AccessRules(IOptions<AccessOptions> options, IConfiguration configuration, ILogger<AccessRules> logger)
    {
        _configuration = configuration;
        _logger = logger;
        _lists = Read(options.Value);
        _changes = ChangeToken.OnChange(configuration.GetReloadToken, Reload);
    }

    public bool Allows(IPAddress? address)
    {
        var lists = Volatile.Read(ref _lists);
        return address is null
            ? lists.Allow.IsEmpty && lists.Deny.IsEmpty
            : !lists.Deny.Contains(address) && (lists.Allow.IsEmpty || lists.Allow.Contains(address));
    }

    public void Dispose() => _changes.Dispose();

    private static Lists Read(AccessOptions options) => new(
        AddressList.Parse($"{AccessOptions.SectionName}:{nameof(AccessOptions.Allow)}", [.. options.Allow]),
        AddressList.Parse($"{AccessOptions.SectionName}:{nameof(AccessOptions.Deny)}", [.. options.Deny]));

    // What comes here has passed the checks of a start: SettingsReload.
    private void Reload()
    {
        var replaced = Volatile.Read(ref _lists);
        var lists = Read(Settings.Bind(_configuration.GetSection(AccessOptions.SectionName), new AccessOptions()));
        if (!lists.Allow.Ranges.SequenceEqual(replaced.Allow.Ranges) || !lists.Deny.Ranges.SequenceEqual(replaced.Deny.Ranges))
        {
            Volatile.Write(ref _lists, lists);
            LogReloaded(lists.Allow.Ranges.Count, lists.Deny.Ranges.Count);
        }
    }

    [LoggerMessage(LogLevel.Information, "The address lists changed: {Allowed} entries to allow, {Denied} to deny.")]
    private partial void LogReloaded(int allowed, int denied);

    private sealed record Lists(AddressList Allow, AddressList Deny);
}
