using SseApp.Fuzz;

namespace SseApp.Tests.Fuzz;

/// <summary>What reads bytes from outside, with the inputs that fuzzing found and with made-up ones.</summary>
public sealed class OutsideBytesTests
{
    public static TheoryData<string> Targets => [.. FuzzTarget.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_input_of_the_corpus_is_read_or_refused(string target)
    {
        var inputs = new Corpus(target).Read();
        Assert.NotEmpty(inputs);
        Assert.All(inputs, FuzzTarget.All[target].Read);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Made_up_inputs_are_read_or_refused(string target)
    {
        var (read, words) = FuzzTarget.All[target];
        byte[][] known = [.. words, .. new Corpus(target).Read()];
        var part = Gen.OneOf(Gen.Byte.Array[0, 8], Gen.Int[0, known.Length - 1].Select(i => known[i]));
        part.Array[0, 12].Select(parts => parts.SelectMany(bytes => bytes).ToArray()).Sample(
            input =>
            {
                read(input);
            },
            iter: 2000,
            print: Corpus.Escape);
    }

    [Fact]
    public void A_line_of_the_corpus_is_the_bytes_that_were_found() =>
        Gen.Byte.Array.Sample(input => Assert.Equal(input, Corpus.Unescape(Corpus.Escape(input))));
}
