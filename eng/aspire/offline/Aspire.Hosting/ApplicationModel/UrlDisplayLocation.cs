namespace Aspire.Hosting.ApplicationModel;

/// <summary>Where the dashboard shows a URL.</summary>
public enum UrlDisplayLocation
{
    SummaryAndDetails,
    DetailsOnly,
}
