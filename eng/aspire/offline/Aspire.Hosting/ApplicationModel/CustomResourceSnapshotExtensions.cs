using System.Collections.Immutable;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Changes snapshots.</summary>
public static class CustomResourceSnapshotExtensions
{
    public static CustomResourceSnapshot WithHealthReports(this CustomResourceSnapshot snapshot, ImmutableArray<HealthReportSnapshot> healthReports)
        => snapshot with { HealthReports = healthReports };
}
