using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>Settings that are files, as Compose and Kubernetes mount secrets.</summary>
public sealed class SecretFilesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-secrets-");

    [Fact]
    public void A_file_is_the_setting_of_its_name_and_wins_over_a_variable()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "ConnectionStrings__redis"), "redis:6379,password=right\n");
        File.WriteAllText(Path.Combine(_folder.FullName, "metrics_key"), "somebody else's");

        var configuration = Read(_folder.FullName);

        Assert.Equal("redis:6379,password=right", configuration["ConnectionStrings:redis"]);
        Assert.Null(configuration["metrics_key"]);
    }

    /// <summary>Each file is a link into a hidden folder that is a link itself, so that all of them change at once.</summary>
    [Fact]
    public void Files_are_read_as_a_kubelet_mounts_them()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links take a right there.");
        var version = _folder.CreateSubdirectory("..2026_01_31_12_00_00.1234567890");
        File.WriteAllText(Path.Combine(version.FullName, "ConnectionStrings__redis"), "redis:6379,password=right\n");
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "..data"), version.Name);
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "ConnectionStrings__redis"), Path.Combine("..data", "ConnectionStrings__redis"));

        Assert.Equal("redis:6379,password=right", Read(_folder.FullName)["ConnectionStrings:redis"]);
    }

    /// <summary>A password with U+FFFD in the place of a letter is another one.</summary>
    [Fact]
    public void A_file_that_is_not_UTF8_stops_the_start()
    {
        var file = Path.Combine(_folder.FullName, "ConnectionStrings__redis");
        File.WriteAllBytes(file, [.. "redis:6379,password=caf"u8, 0xE9]);

        var exception = Assert.Throws<OptionsValidationException>(() => Read(_folder.FullName));

        var line = Assert.Single(exception.Failures);
        Assert.StartsWith($"{file} is to be a setting, but ", line, StringComparison.Ordinal);
        Assert.Contains("UTF-8", line, StringComparison.Ordinal);
        Assert.DoesNotContain("caf", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    public void A_byte_order_mark_says_what_a_file_is_written_in(string encoding)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "ConnectionStrings__redis"), "redis:6379,password=café\n", System.Text.Encoding.GetEncoding(encoding));

        Assert.Equal("redis:6379,password=café", Read(_folder.FullName)["ConnectionStrings:redis"]);
    }

    [Fact]
    public void A_folder_that_is_not_there_stops_the_start()
    {
        var missing = Path.Combine(_folder.FullName, "none");

        var exception = Assert.Throws<OptionsValidationException>(() => Read(missing));

        Assert.Equal($"Secrets:Folder is '{missing}', but there is no folder {missing}; mount the secrets there, or take the setting away.", Assert.Single(exception.Failures));
    }

    /// <summary>It may be the one that keeps somebody out.</summary>
    [Fact]
    public void A_setting_that_cannot_be_read_stops_the_start_and_what_is_none_does_not()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links take a right there.");
        _folder.CreateSubdirectory("Access__Allow");
        _folder.CreateSubdirectory("others");
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "Access__Deny"), Path.Combine(_folder.FullName, "none"));
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "another"), Path.Combine(_folder.FullName, "none"));

        var exception = Assert.Throws<OptionsValidationException>(() => Read(_folder.FullName));

        Assert.Collection(
            exception.Failures,
            folder => Assert.StartsWith($"{_folder.FullName}/Access__Allow is to be a setting, but it is a folder", folder, StringComparison.Ordinal),
            link => Assert.StartsWith($"{_folder.FullName}/Access__Deny is to be a setting, but it is a link to nothing", link, StringComparison.Ordinal));
    }

    [Fact]
    public void Without_the_default_folder_there_are_none()
    {
        Assert.SkipWhen(Directory.Exists("/run/secrets"), "This machine has secrets of its own in /run/secrets.");
        Assert.Equal("redis:6379,password=wrong", Read(folder: null)["ConnectionStrings:redis"]);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static ConfigurationManager Read(string? folder)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection([new("ConnectionStrings:redis", "redis:6379,password=wrong"), new("Secrets:Folder", folder)]);
        configuration.AddSecretFiles();
        return configuration;
    }
}
