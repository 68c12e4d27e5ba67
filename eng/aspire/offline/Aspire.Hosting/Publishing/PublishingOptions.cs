namespace Aspire.Hosting.Publishing;

/// <summary>Options of publishing.</summary>
public class PublishingOptions
{
    public const string Publishing = "Publishing";

    public string? Publisher { get; set; }

    public string? OutputPath { get; set; }
}
