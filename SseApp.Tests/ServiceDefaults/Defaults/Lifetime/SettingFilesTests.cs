using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

public sealed class SettingFilesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-settings-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("Production", "appsettings.json appsettings.Production.json appsettings.Development.json", "")]
    [InlineData("production", "appsettings.json", "")]
    [InlineData("production", "appsettings.json appsettings.Production.json", "appsettings.Production.json")]
    [InlineData("Production", "appsettings.production.json", "appsettings.production.json")]
    [InlineData("Production", "appsettings.Production.json appsettings.PRODUCTION.json", "appsettings.PRODUCTION.json")]
    [InlineData("Production", "appSettings.json", "appSettings.json")]
    [InlineData("Production", "appsettings.production.json.bak notes.json", "")]
    public void A_file_whose_name_differs_in_case_alone_is_named(string environment, string files, string unread)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Upper and lower case are different letters of file names on Linux.");
        foreach (var file in files.Split(' '))
        {
            File.WriteAllText(Path.Combine(_folder.FullName, file), "{}");
        }

        var lines = SettingFiles.Problems(new Place(environment, _folder.FullName));

        Assert.Equal(unread.Length > 0 ? [unread] : [], lines.Select(line => Path.GetFileName(line.Split(" is not read: ")[0])));
    }

    [Theory]
    [InlineData("Production\r", "\"Production\\r\"")]
    [InlineData("Production ", "\"Production \"")]
    [InlineData(" Production", "\" Production\"")]
    [InlineData("Pro duction", "\"Pro duction\"")]
    [InlineData("Production\0", "\"Production\\u0000\"")]
    [InlineData(" ", "\" \"")]
    public void An_environment_with_what_nobody_sees_in_its_name_is_named(string environment, string shown)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "appsettings.Production.json"), "{}");

        var line = Assert.Single(SettingFiles.Problems(new Place(environment, _folder.FullName)));

        Assert.StartsWith($"The name of the environment is {shown}, ", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".env appsettings.yaml appsettings.Production.toml appsettings.json.txt", ".env, appsettings.Production.toml, appsettings.json.txt, appsettings.yaml")]
    [InlineData("appsettings.json.bak web.config package.json settings.yaml environment", "")]
    public void A_file_of_another_form_that_may_be_believed_to_be_read_is_named(string files, string unread)
    {
        foreach (var file in files.Split(' ').Append("appsettings.json"))
        {
            File.WriteAllText(Path.Combine(_folder.FullName, file), "{}");
        }

        var lines = SettingFiles.Find(["--contentRoot", _folder.FullName], AppContext.BaseDirectory)
            .Warnings(new Place("Production", _folder.FullName), new ConfigurationBuilder().Build());

        Assert.Equal(unread.Length > 0 ? [unread] : [], lines.Select(line => line.Split(" alone: ")[^1].TrimEnd('.')));
    }

    private sealed class Place(string environment, string root) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = environment;

        public string ApplicationName { get; set; } = "";

        public string ContentRootPath { get; set; } = root;

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
