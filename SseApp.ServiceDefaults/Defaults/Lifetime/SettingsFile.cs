using Microsoft.Extensions.Configuration.Json;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// A file of settings that is read again. The platform's own provider empties itself when the file is half written, malformed or
/// gone, and tells nobody: with the next change of any file, lists of addresses and routes would be gone, too. This one keeps what
/// it has until <see cref="SettingsReload"/> has looked at what is new.
/// </summary>
internal sealed class SettingsFile(JsonConfigurationSource source, string path) : ConfigurationProvider
{
    // What the platform has as the time of a file that is not there.
    private static readonly DateTime s_nowhere = DateTime.FromFileTimeUtc(0);

    public string Path => path;

    /// <summary>The text that is in use; null: there was no file.</summary>
    public string? Text { get; private set; }

    /// <summary>Puts it in the place of each file that the platform would read again. Call it when all files are among the sources.</summary>
    public static void Keep(IConfigurationManager configuration)
    {
        for (var i = 0; i < configuration.Sources.Count; i++)
        {
            if (configuration.Sources[i] is JsonConfigurationSource { ReloadOnChange: true } source)
            {
                source.EnsureDefaults(configuration);
                if (source.FileProvider!.GetFileInfo(source.Path!).PhysicalPath is { } path)
                {
                    configuration.Sources[i] = new Source(source, path);
                }
            }
        }
    }

    public override void Load()
    {
        try
        {
            Text = Read(path);
        }
        catch (InvalidDataException exception)
        {
            throw new OptionsValidationException("", typeof(SettingsFile), [$"The settings file {path} cannot be used: {exception.Message}."]);
        }

        if (Text is null && !source.Optional)
        {
            throw new FileNotFoundException($"The settings file '{path}' was not found.");
        }

        Data = Text is null ? new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase) : Parse(Text);
    }

    /// <summary>What is in the file now; null when there is none.</summary>
    /// <exception cref="InvalidDataException">It is not text; the message does not name it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a folder.</exception>
    public static string? Read(string path)
    {
        try
        {
            // Most optional files are not there, at each look: an exception for each would bury all others in dotnet_exceptions_total. Unlike
            // File.Exists, this throws where it cannot be seen whether there is one.
            return File.GetLastWriteTimeUtc(path) == s_nowhere ? null : TextFile.Read(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <exception cref="FormatException">The text is no JSON object.</exception>
    public static IDictionary<string, string?> Parse(string text)
    {
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text));
        return new Parser(stream).Parse();
    }

    /// <summary>Takes what <see cref="Parse"/> made of a text. Who uses it is told by <see cref="Announce"/>, when all files have been taken.</summary>
    public void Take(string text, IDictionary<string, string?> values)
    {
        Text = text;
        Data = values;
    }

    public void Announce() => OnReload();

    private sealed class Source(JsonConfigurationSource source, string path) : IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => new SettingsFile(source, path);
    }

    private sealed class Parser(Stream stream) : JsonStreamConfigurationProvider(new JsonStreamConfigurationSource { Stream = stream })
    {
        public IDictionary<string, string?> Parse()
        {
            Load();
            return Data;
        }
    }
}
