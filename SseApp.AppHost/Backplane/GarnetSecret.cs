using System.Security.Cryptography;
using System.Text.Json;

namespace SseApp.AppHost.Backplane;

/// <summary>
/// The password of the embedded Garnet, another one at each run. The server gets it in a file that only its user can read:
/// arguments are in the process list.
/// </summary>
internal sealed class GarnetSecret : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"sseapp-garnet-{RandomNumberGenerator.GetHexString(16, lowercase: true)}");

    // 32 bytes; hexadecimal digits mean nothing in JSON and in connection strings.
    public string Password { get; } = RandomNumberGenerator.GetHexString(64, lowercase: true);

    /// <summary>The server's configuration; it is there from <see cref="Write"/> to the end of the AppHost, for restarts of the server.</summary>
    public string File => Path.Combine(_folder, "garnet.json");

    public void Write()
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (OperatingSystem.IsWindows())
        {
            // The user's folder of temporary files is the user's alone.
            Directory.CreateDirectory(_folder);
        }
        else
        {
            Directory.CreateDirectory(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(File, options);
        JsonSerializer.Serialize(file, new Dictionary<string, string>(StringComparer.Ordinal) { ["AuthenticationMode"] = "Password", ["Password"] = Password });
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // It was never written, or somebody cleaned up.
        }
    }
}
