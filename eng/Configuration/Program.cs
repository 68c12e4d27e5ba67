using SseApp.ConfigurationDocs;

var root = new DirectoryInfo(Environment.CurrentDirectory);
while (root is not null && !File.Exists(Path.Combine(root.FullName, "SseApp.sln")))
{
    root = root.Parent;
}

try
{
    var folder = root?.FullName ?? throw new InvalidOperationException("Run this inside the repository: no folder above this one has SseApp.sln.");
    var sections = OptionCatalog.Read();
    var page = Path.Combine(folder, ConfigurationPage.File);
    await File.WriteAllTextAsync(page, ConfigurationPage.Write(await File.ReadAllTextAsync(page), sections));
    await File.WriteAllTextAsync(Path.Combine(folder, SettingsSchema.File), SettingsSchema.Write(sections));
    Console.WriteLine($"{sections.Sum(section => section.Options.Count)} settings: {ConfigurationPage.File}, {SettingsSchema.File}");
    return 0;
}
catch (InvalidOperationException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
