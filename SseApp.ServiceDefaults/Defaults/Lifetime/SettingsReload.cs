namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// Reads the files of settings again while the service runs. A change is taken as a whole or not at all: what would stop a start, in
/// any section of any file, is told once and changes nothing, until the files are right.
/// </summary>
internal sealed partial class SettingsReload : BackgroundService
{
    // By content and not by notification: a mounted folder of Kubernetes is replaced by switching a link, of which the file system says
    // nothing about the file, and a machine has few watchers to give away. Two small files are read in microseconds.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(500);

    private readonly IConfigurationRoot _configuration;
    private readonly ValidatedSection[] _sections;
    private readonly IServiceProvider _services;
    private readonly TimeProvider _time;
    private readonly ILogger<SettingsReload> _logger;
    private readonly SettingsFile[] _files;
    private Found[] _seen;
    private Found[] _judged;

    public SettingsReload(IConfiguration configuration, IEnumerable<ValidatedSection> sections, IServiceProvider services, ILogger<SettingsReload> logger)
    {
        _configuration = (IConfigurationRoot)configuration;
        _sections = [.. sections];
        _services = services;
        _time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        _logger = logger;
        _files = [.. _configuration.Providers.OfType<SettingsFile>()];
        _seen = _judged = Array.ConvertAll(_files, static file => new Found(file.Text, null));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_files.Length == 0)
        {
            return;
        }

        using var timer = new PeriodicTimer(s_look, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Look();
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    /// <summary>A line for each thing in the settings that would stop a start.</summary>
    private IEnumerable<string> Problems(IConfiguration configuration) =>
    [
        .. _sections.SelectMany(section => section.Problems(_services, configuration)),
        .. SettingNames.Problems(configuration, []),
        .. ConsoleLog.Problems(configuration),
        .. KestrelSettings.Problems(configuration),
        .. new[] { StartFailure.WrongAddress(configuration), StartFailure.WrongEndpoint(configuration), StartFailure.WrongLogging(configuration) }.OfType<string>(),
    ];

    private void Look()
    {
        var found = Array.ConvertAll(_files, static file => Read(file.Path));
        if (!found.AsSpan().SequenceEqual(_seen))
        {
            // Somebody may be writing, one file or several.
            _seen = found;
            return;
        }

        if (found.AsSpan().SequenceEqual(_judged))
        {
            return;
        }

        var before = _judged;
        _judged = found;
        var changes = new Dictionary<SettingsFile, IDictionary<string, string?>>();
        var problems = new List<string>();
        for (var i = 0; i < _files.Length; i++)
        {
            if (found[i].Error is { } error)
            {
                problems.Add($"{_files[i].Path} cannot be read: {error}");
            }
            else if (found[i].Text is { } text)
            {
                if (Parse(_files[i].Path, text, problems) is { } values && !string.Equals(text, _files[i].Text, StringComparison.Ordinal))
                {
                    changes[_files[i]] = values;
                }
            }
            else if (_files[i].Text is not null && before[i] != found[i])
            {
                LogGone(_files[i].Path);
            }
        }

        // Nothing to take is no reason to be silent about what is wrong.
        if (problems.Count == 0 && changes.Count > 0)
        {
            problems.AddRange(Problems(new ConfigurationRoot([.. _configuration.Providers.Select(provider => new Candidate(provider, provider is SettingsFile file ? changes.GetValueOrDefault(file) : null))])));
        }

        if (problems.Count > 0)
        {
            LogNotTaken(string.Join(", ", _files.Where((file, i) => found[i].DiffersFrom(file)).Select(file => file.Path)), UserInfo.Hide(string.Join(' ', problems.Distinct(StringComparer.Ordinal))));
            return;
        }

        if (changes.Count > 0)
        {
            Take(changes, found);
        }
        else if (!before.AsSpan().SequenceEqual(found))
        {
            LogAsBefore();
        }
    }

    private void Take(Dictionary<SettingsFile, IDictionary<string, string?>> changes, Found[] found)
    {
        foreach (var (file, values) in changes)
        {
            file.Take(found[Array.IndexOf(_files, file)].Text!, values);
        }

        LogTaken(string.Join(", ", changes.Keys.Select(file => file.Path)));
        foreach (var file in changes.Keys)
        {
            try
            {
                file.Announce();
            }
#pragma warning disable CA1031 // What one reader of the settings throws must not keep the next change from all.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogFailed(exception, file.Path);
            }
        }
    }

    private static Found Read(string path)
    {
        try
        {
            return new Found(SettingsFile.Read(path), null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return new Found(null, exception.Message);
        }
    }

    private static IDictionary<string, string?>? Parse(string path, string text, List<string> problems)
    {
        try
        {
            return SettingsFile.Parse(text);
        }
        catch (Exception exception) when (exception is FormatException or InvalidDataException or JsonException)
        {
            // Names that are there twice are JSON, too.
            var found = (exception.InnerException ?? exception) is var cause && cause is JsonException ? "is no JSON" : "cannot be read";
            problems.Add(string.IsNullOrWhiteSpace(text) ? $"{path} is empty; write {{}} for no settings." : $"{path} {found}: {cause.Message.ReplaceLineEndings(" ")}");
            return null;
        }
    }

    [LoggerMessage(LogLevel.Error, "The change of {Files} cannot be used, and the settings before it all stay in use. {Problems}")]
    private partial void LogNotTaken(string files, string problems);

    [LoggerMessage(LogLevel.Information, "The changed settings in {Files} were taken. Access, Hosts, ReverseProxy, Logging and Kestrel's endpoints count from now on, all others from the next start.")]
    private partial void LogTaken(string files);

    [LoggerMessage(LogLevel.Information, "The settings files are again as they were.")]
    private partial void LogAsBefore();

    [LoggerMessage(LogLevel.Warning, "The settings file {File} is gone. What it had stays in use until it is there again, or the service starts again.")]
    private partial void LogGone(string file);

    [LoggerMessage(LogLevel.Error, "A part of the changed settings in {File} could not be put to use; a restart does.")]
    private partial void LogFailed(Exception exception, string file);

    private readonly record struct Found(string? Text, string? Error)
    {
        /// <summary>Whether it asks for other settings than those in use. A file that is gone does not.</summary>
        public bool DiffersFrom(SettingsFile file) => Error is not null || (Text is not null && !string.Equals(Text, file.Text, StringComparison.Ordinal));
    }

    /// <summary>A provider as it would be, for others to read before it is.</summary>
    private sealed class Candidate : ConfigurationProvider
    {
        private readonly IConfigurationProvider? _same;

        public Candidate(IConfigurationProvider provider, IDictionary<string, string?>? changed)
        {
            _same = changed is null ? provider : null;
            Data = changed ?? Data;
        }

        public override bool TryGet(string key, out string? value) => _same is null ? base.TryGet(key, out value) : _same.TryGet(key, out value);

        public override IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath) =>
            _same is null ? base.GetChildKeys(earlierKeys, parentPath) : _same.GetChildKeys(earlierKeys, parentPath);
    }
}

/// <summary>A section that <see cref="OptionsExtensions"/> checks at the start, to be checked again in other settings.</summary>
internal abstract class ValidatedSection
{
    public abstract IEnumerable<string> Problems(IServiceProvider services, IConfiguration configuration);
}
