using System.Security.Cryptography;
using System.Text.Json;
using SseApp.ServiceDefaults.Defaults.Keys;

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
        PrivateFile.MakeFolder(_folder);
        using var file = PrivateFile.OpenWrite(File, FileMode.Create);
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
