namespace Aspire.Hosting.ApplicationModel;

/// <summary>The style of an icon.</summary>
public enum IconVariant
{
    Regular,
    Filled,
}
