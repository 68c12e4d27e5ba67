using System.ComponentModel.DataAnnotations;
using SseApp.ConfigurationDocs;

namespace SseApp.Tests.Docs;

/// <summary>docs/configuration.md and the JSON schema say what the options classes say.</summary>
public sealed class ConfigurationPageTests
{
    private const string Command = "Run `dotnet run --project eng/Configuration` and commit what it writes.";

    [Fact]
    public async Task The_page_is_what_the_command_writes()
    {
        var page = await DocsFolder.ReadAsync(ConfigurationPage.File);

        Assert.True(page == ConfigurationPage.Write(page, OptionCatalog.Read()), $"{ConfigurationPage.File} is out of date. {Command}");
    }

    [Fact]
    public async Task The_schema_is_what_the_command_writes() =>
        Assert.True(await DocsFolder.ReadAsync(SettingsSchema.File) == SettingsSchema.Write(OptionCatalog.Read()), $"{SettingsSchema.File} is out of date. {Command}");

    [Fact]
    public void An_option_that_says_only_its_default_is_named()
    {
        var exception = Assert.Throws<InvalidOperationException>(() => OptionCatalog.Describe(typeof(Example), ["replica"]));

        Assert.Contains("Example:Silent, Example:DefaultOnly, Example:Items:n:Silent.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_kind_of_option_has_its_default_range_and_unit()
    {
        var options = OptionCatalog.Describe(typeof(Documented), ["replica"]).Options;

        Assert.Equal(
            [
                "Wait | time | `00:00:00.250` | 00:00:00.050 to 1.00:00:00 | How long. Default 250 ms; longer on slow networks.",
                "MaxBytes | integer, bytes | `65536` (64 KiB) | 1 to 16 MiB | How much.",
                "Names:n | text | `a, b` |  | Who.",
                "Headers:name | text |  |  | What is set.",
                "Day | one of | `Monday` | `Monday`, `Friday` | When.",
            ],
            options.Select(option => $"{option.Key} | {option.Type} | {option.Default} | {option.Range} | {option.Meaning}"));
    }

    /// <summary>Section <c>Example</c>: some options say nothing.</summary>
    private sealed class Example
    {
        public const string SectionName = "Example";

        public int Silent { get; set; }

        /// <summary>Default 3.</summary>
        public int DefaultOnly { get; set; } = 3;

        /// <summary>What is in it.</summary>
        public IList<Item> Items { get; } = [];
    }

    private sealed class Item
    {
        public string Silent { get; set; } = "";
    }

    /// <summary>Section <c>Documented</c>: one of each kind.</summary>
    private sealed class Documented
    {
        public const string SectionName = "Documented";

        /// <summary>How long. Default 250 ms; longer on slow networks.</summary>
        [Range(typeof(TimeSpan), "00:00:00.050", "1.00:00:00")]
        public TimeSpan Wait { get; set; } = TimeSpan.FromMilliseconds(250);

        /// <summary>How much. 1 to 16 MiB; default 64 KiB.</summary>
        [Range(1, 16 * 1024 * 1024)]
        public int MaxBytes { get; set; } = 64 * 1024;

        /// <summary>Who.</summary>
        public IList<string> Names { get; } = ["a", "b"];

        /// <summary>What is set.</summary>
        public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

        /// <summary>When.</summary>
        [AllowedValues(DayOfWeek.Monday, DayOfWeek.Friday)]
        public DayOfWeek Day { get; set; } = DayOfWeek.Monday;

        /// <summary>Not an option: it cannot be set.</summary>
        public bool Computed => MaxBytes > 0;
    }
}
