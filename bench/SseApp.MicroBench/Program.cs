using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using SseApp.MicroBench;

// In this process: the default toolchain would generate a project and build it against this repository's rules.
var job = Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance).WithIterationCount(8);
BenchmarkSwitcher.FromAssembly(typeof(EncoderBenchmarks).Assembly)
    .Run(args.Length == 0 ? ["--filter", "*"] : args, DefaultConfig.Instance.AddJob(job).WithArtifactsPath(Path.Combine("artifacts", "microbench")));
