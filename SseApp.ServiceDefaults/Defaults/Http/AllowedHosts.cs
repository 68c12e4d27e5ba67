using Microsoft.AspNetCore.HostFiltering;
using Microsoft.Extensions.Primitives;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// The names that <see cref="HostFilteringMiddleware"/> lets in, as they are now: those of section <c>Hosts</c>, of the platform's
/// own setting <c>AllowedHosts</c>, and of every <see cref="IHostNames"/>.
/// </summary>
internal sealed class AllowedHosts : IOptionsMonitor<HostFilteringOptions>, IDisposable
{
    public const string Any = "*";

    private const string PlatformSetting = "AllowedHosts";

    // RFC 6761 and ICANN's decision of 2024: no registry will ever give them to somebody.
    private static readonly string[] s_always = ["localhost", "*.localhost", "*.internal"];

    private readonly IConfiguration _configuration;
    private readonly IHostNames[] _sources;
    private readonly Lock _gate = new();
    private readonly IDisposable _reload;
    private Action<HostFilteringOptions, string?>? _listeners;
    private string[] _configured;
    private HostFilteringOptions _current;

    public AllowedHosts(IOptions<HostsOptions> options, IConfiguration configuration, IEnumerable<IHostNames> sources)
    {
        _configuration = configuration;
        _sources = [.. sources];
        _configured = [.. options.Value.Allowed];
        _current = Build();
        foreach (var source in _sources)
        {
            source.Changed += Update;
        }

        _reload = ChangeToken.OnChange(configuration.GetReloadToken, Reload);
    }

    public HostFilteringOptions CurrentValue => Volatile.Read(ref _current);

    public HostFilteringOptions Get(string? name) => CurrentValue;

    public IDisposable? OnChange(Action<HostFilteringOptions, string?> listener)
    {
        _listeners += listener;
        return null;
    }

    public void Dispose()
    {
        _reload.Dispose();
        foreach (var source in _sources)
        {
            source.Changed -= Update;
        }
    }

    // What comes here has passed the checks of a start: SettingsReload.
    private void Reload()
    {
        var options = Settings.Bind(_configuration.GetSection(HostsOptions.SectionName), new HostsOptions());
        lock (_gate)
        {
            _configured = [.. options.Allowed];
        }

        Update(this, EventArgs.Empty);
    }

    private void Update(object? sender, EventArgs e)
    {
        lock (_gate)
        {
            var next = Build();
            if (next.AllowedHosts.SequenceEqual(_current.AllowedHosts, StringComparer.Ordinal))
            {
                return;
            }

            Volatile.Write(ref _current, next);
            _listeners?.Invoke(next, null);
        }
    }

    private HostFilteringOptions Build()
    {
        // '*' is what the platform's templates have there: it says nothing.
        var platform = (_configuration[PlatformSetting] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(static name => name != Any);
        var names = s_always.Concat(_configured).Concat(platform)
            .Concat(_sources.SelectMany(static source => source.Names).Select(WithoutPort))
            .Select(static name => name == Any ? name : HostName.Normalize(name))
            .OfType<string>()
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);
        return new HostFilteringOptions
        {
            // A name with a dot at its end is the same one, written in full.
            AllowedHosts = [.. names.SelectMany(static name => name == Any ? (string[])[name] : [name, $"{name}."])],
            IncludeFailureMessage = false,
        };
    }

    // Of sources alone, which may mean one port; '*' among them is a route's, and opens nothing.
    private static string WithoutPort(string name) => name == Any || name.StartsWith("*:", StringComparison.Ordinal) ? "" : name.Split(':')[0];
}
