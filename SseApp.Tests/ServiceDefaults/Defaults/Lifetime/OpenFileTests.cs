using SseApp.Gateway.Tls;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>Files with keys that everybody on the machine may write to stop the start, and those that everybody may read are named in the log.</summary>
public sealed class OpenFileTests : IDisposable
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-open-");

    public OpenFileTests() => Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.GetEnvironmentVariable("DOTNET_RUNNING_IN_CONTAINER") is "true" or "1" || Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is not null, "Modes of files say nothing here.");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(UnixFileMode.None, false)]
    [InlineData(UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead, false)]
    [InlineData(UnixFileMode.OtherWrite, true)]
    public void An_API_key_file_that_everybody_may_write_to_cannot_be_used(UnixFileMode more, bool refused)
    {
        var file = Path.Combine(_folder.FullName, "keys.json");
        ApiKeyStore.Write(file, []);
        Set(file, more);

        Assert.Equal(refused, ApiKeyStore.Problem(file)?.StartsWith($"Security:ApiKeyFile is '{file}', to which everybody", StringComparison.Ordinal) == true);
    }

    /// <summary>By its target: a link has all rights, and a mounted secret is one.</summary>
    [Theory]
    [InlineData(UnixFileMode.None, "")]
    [InlineData(UnixFileMode.GroupRead, "")]
    [InlineData(UnixFileMode.OtherRead, "warning")]
    [InlineData(UnixFileMode.OtherRead | UnixFileMode.OtherWrite, "problem warning")]
    public void A_secret_that_everybody_may_use_is_named(UnixFileMode more, string expected)
    {
        var target = Path.Combine(_folder.FullName, "gateway-key");
        File.WriteAllText(target, ClusterKey.Text);
        Set(target, more);
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "Security__GatewayKey"), target);
        var configuration = new ConfigurationManager();
        configuration["Secrets:Folder"] = _folder.FullName;

        var problem = Record.Exception(configuration.AddSecretFiles);

        Assert.Equal(expected.Contains("problem", StringComparison.Ordinal), problem is OptionsValidationException);
        Assert.Equal(expected.Contains("warning", StringComparison.Ordinal) ? [$"{_folder.FullName}/Security__GatewayKey is a setting, which everybody"] : [], SecretFiles.Warnings(configuration).Select(line => line.Split(" on this machine")[0]));
    }

    [Theory]
    [InlineData(UnixFileMode.None, "")]
    [InlineData(UnixFileMode.OtherRead, "warning")]
    [InlineData(UnixFileMode.OtherWrite, "problem")]
    public void A_private_key_of_TLS_that_everybody_may_use_is_named(UnixFileMode more, string expected)
    {
        using var certificate = new TestCertificate();
        Set(certificate.KeyFile, more);
        var options = new TlsOptions { CertificateFile = certificate.CertificateFile, KeyFile = certificate.KeyFile };

        Assert.Equal(expected == "problem", CertificateFiles.Problem(options)?.StartsWith($"Tls:KeyFile is '{certificate.KeyFile}', to which everybody", StringComparison.Ordinal) == true);
        Assert.Equal(expected == "warning", CertificateFiles.Warning(options)?.StartsWith($"Tls:KeyFile is '{certificate.KeyFile}', which everybody", StringComparison.Ordinal) == true);
    }

    private static void Set(string file, UnixFileMode more)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, Own | more);
        }
    }
}
