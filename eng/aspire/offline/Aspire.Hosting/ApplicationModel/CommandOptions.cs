namespace Aspire.Hosting.ApplicationModel;

/// <summary>How a command looks and when it can be used.</summary>
public class CommandOptions
{
    internal static CommandOptions Default { get; } = new();

    public string? Description { get; set; }

    public object? Parameter { get; set; }

    /// <summary>Asked before the command runs.</summary>
    public string? ConfirmationMessage { get; set; }

    public string? IconName { get; set; }

    public IconVariant? IconVariant { get; set; }

    /// <summary>Whether the dashboard shows the command beside the resource and not only in its menu.</summary>
    public bool IsHighlighted { get; set; }

    /// <summary>Decides the state after each change of the resource; always enabled when null.</summary>
    public Func<UpdateCommandStateContext, ResourceCommandState>? UpdateState { get; set; }
}
