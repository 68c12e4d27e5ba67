using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>What the framework's converters would take for something else than whoever wrote it.</summary>
public sealed class SettingTypesTests
{
    [Theory]
    [InlineData("24:00:00", " Write 1.00:00:00 for 24 hours, 0 minutes and 0 seconds (days.hours:minutes:seconds).")]
    [InlineData("48:00:00", " Write 2.00:00:00 for 48 hours, 0 minutes and 0 seconds (days.hours:minutes:seconds).")]
    [InlineData("36:30:00", " Write 1.12:30:00 for 36 hours, 30 minutes and 0 seconds (days.hours:minutes:seconds).")]
    [InlineData("00:00:90", " Write 00:01:30 for 0 hours, 0 minutes and 90 seconds (days.hours:minutes:seconds).")]
    [InlineData("1:00:00:00", " Write 1.00:00:00 for 1 days, 0 hours, 0 minutes and 0 seconds (days.hours:minutes:seconds).")]
    [InlineData("10:30", " Write 10:30:00 for 10 hours and 30 minutes, or 00:10:30 for 10 minutes and 30 seconds.")]
    [InlineData("5", " Write 00:00:05 for 5 seconds.")]
    [InlineData(" 5 ", " Write 00:00:05 for 5 seconds.")]
    [InlineData("99999:0:0", " Write 4166.15:00:00 for 99999 hours, 0 minutes and 0 seconds (days.hours:minutes:seconds).")]
    [InlineData("24:00", " Write 1.00:00:00 for 24 hours and 0 minutes, or 00:24:00 for 24 minutes and 0 seconds.")]
    [InlineData("1.24:00:00", "")]
    [InlineData("1.10:30", "")]
    [InlineData("1.5", "")]
    [InlineData("P1D", "")]
    [InlineData("00:00:05,5", "")]
    [InlineData("00:00:00.12345678", "")]
    [InlineData("\u0661:00:00", "")]
    [InlineData("", "")]
    public void A_time_that_can_be_read_in_two_ways_is_refused_and_the_right_one_shown(string text, string hint)
    {
        Assert.False(SettingTypes.CanRead(typeof(TimeSpan), text));
        Assert.Equal(hint, SettingTypes.Hint(typeof(TimeSpan?), text));
    }

    [Theory]
    [InlineData("1.00:00:00", 86_400)]
    [InlineData("23:59:59", 86_399)]
    [InlineData("0:0:5", 5)]
    [InlineData(" 00:00:05 ", 5)]
    [InlineData("00:00:00.5", 0.5)]
    [InlineData("0", 0)]
    [InlineData("-00:00:05", -5)]
    public void A_time_is_days_hours_minutes_and_seconds(string text, double seconds)
    {
        Assert.True(SettingTypes.CanRead(typeof(TimeSpan), text));
        Assert.Equal(seconds, TimeSpan.Parse(text, System.Globalization.CultureInfo.InvariantCulture).TotalSeconds);
    }

    [Theory]
    [InlineData(typeof(int), "0x10")]
    [InlineData(typeof(int), "#10")]
    [InlineData(typeof(int), "&h10")]
    [InlineData(typeof(int), "1e3")]
    [InlineData(typeof(int), "1,000")]
    [InlineData(typeof(int), "1 000")]
    [InlineData(typeof(int), "1.0")]
    [InlineData(typeof(long), "0x10")]
    [InlineData(typeof(long), "99999999999999999999")]
    [InlineData(typeof(double), "1e3")]
    [InlineData(typeof(double), "1,5")]
    [InlineData(typeof(double), "NaN")]
    [InlineData(typeof(double), "Infinity")]
    [InlineData(typeof(double), "\u221E")]
    [InlineData(typeof(bool), "1")]
    [InlineData(typeof(bool), "yes")]
    [InlineData(typeof(ByteSize), "1e3")]
    [InlineData(typeof(ByteSize), "1,000")]
    [InlineData(typeof(ByteSize), "0x10")]
    [InlineData(typeof(ByteSize), "500M")]
    [InlineData(typeof(ByteSize), "0.5")]
    [InlineData(typeof(ByteSize), "0.5B")]
    [InlineData(typeof(ByteSize), "-1")]
    [InlineData(typeof(ByteSize), "99999999999999999999GB")]
    public void A_number_that_is_not_written_as_one_is_refused(Type type, string text) => Assert.False(SettingTypes.CanRead(type, text));

    [Theory]
    [InlineData(typeof(int), " 5 ")]
    [InlineData(typeof(int), "-5")]
    [InlineData(typeof(long), "9223372036854775807")]
    [InlineData(typeof(double), "0.75")]
    [InlineData(typeof(double), "5")]
    [InlineData(typeof(ByteSize), " 500 MB ")]
    [InlineData(typeof(ByteSize), "0.5GB")]
    [InlineData(typeof(bool), " True ")]
    public void Spaces_around_a_number_mean_nothing(Type type, string text) => Assert.True(SettingTypes.CanRead(type, text));
}
