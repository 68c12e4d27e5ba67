using SseApp.ConfigurationDocs;

try
{
    var sections = OptionCatalog.Read();
    await File.WriteAllTextAsync(ConfigurationPage.File, ConfigurationPage.Write(await File.ReadAllTextAsync(ConfigurationPage.File), sections));
    await File.WriteAllTextAsync(SettingsSchema.File, SettingsSchema.Write(sections));
    Console.WriteLine($"{sections.Sum(section => section.Options.Count)} settings: {ConfigurationPage.File}, {SettingsSchema.File}");
    return 0;
}
catch (Exception exception) when (exception is InvalidOperationException or IOException)
{
    await Console.Error.WriteLineAsync(exception is IOException ? $"{exception.Message} Run this in the root of the repository." : exception.Message);
    return 1;
}
