using System.ComponentModel.DataAnnotations;
using SseApp.Events.Diagnostics;

namespace SseApp.Events.FanOut;

/// <summary>The overflow policy of the topics whose name fits a pattern.</summary>
internal sealed class OverflowRule
{
    /// <summary>A topic name in which <c>*</c> stands for any characters and <c>?</c> for one.</summary>
    [Required]
    public string Pattern { get; set; } = "";

    public OverflowPolicy Policy { get; set; }

    public bool Matches(string topic) => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(Pattern, topic, ignoreCase: false);
}
