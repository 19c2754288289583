"""Names that people give to metrics and columns, without case, spaces and signs; the likeliest first."""


def _words(text: str) -> list[str]:
    return text.split()


SHARES = _words("""
accuracy acc accnorm accuracynorm em exact match correct pass1 passat1 solverate solved success successrate
quasiexactmatch qem resolved mc1 meanacc accuracyscore top1 strictmatch flexibleextract percent score rate hitrate
promptlevelstrictacc instlevelstrictacc mcq multiplechoice percentcorrect
""")
"""Metrics that are a share of items that are right."""
NO_SHARES = _words("""
elo arena rating winrate lcwinrate win f1 macrof1 microf1 f1score bleu sacrebleu rouge rouge1 rouge2 rougel chrf ter
meteor bertscore auc auroc rocauc mcc matthewscorrelation pearson spearman correlation rmse mse mae mtbench bleurt comet
brier brierscore ece mrr ndcg map wer cer iou
""")
"""Metrics that count nothing that is right or wrong."""
PERPLEXITIES = _words("perplexity ppl wordperplexity tokenperplexity byteperplexity pplx valppl evalppl")
BITS = _words("bitsperbyte bpb bitspercharacter bpc bits bitspertoken bpt")
NATS = _words("""
nll crossentropy ce celoss xent valloss validationloss evalloss loglikelihood logprob nats natspertoken trainloss
testloss negativeloglikelihood
""")
"""Losses by other names; a log likelihood is one with its sign turned."""
COLUMN_NAMES = {
    column: _words(names)
    for column, names in {
        "score": "accuracy acc rate value mean result em passrate performance metricvalue percentcorrect successrate"
        " loss scores accnorm exactmatch valueraw",
        "trials": "n items nitems numitems nsamples samples numsamples count total questions nquestions"
        " numquestions nexamples examples numexamples size attempts ntrials numtrials",
        "successes": "correct numcorrect ncorrect right hits passed npassed solved nsuccesses",
        "tokens": "traintokens trainingtokens ntokens numtokens tokensseen datasetsize d data tokenstrained"
        " trainingdata pretrainingtokens pretrainingdatasize trainingdatasetsizedatapoints",
        "params": "nparams parameters numparams numparameters nparameters modelsize size paramcount parametercount"
        " totalparams totalparameters nonembeddingparams",
        "active_params": "activeparameters nactive activated activatedparams activatedparameters",
        "compute": "flops flop trainingflops trainingflop trainflops trainingcompute c computeflop totalflops"
        " pretrainingflops pretrainingcompute trainingcomputeflop",
        "model": "modelname name run checkpoint modelid system models runname modelversion pretrained modelpath",
        "task": "benchmark dataset eval taskname test evaluation benchmarkname tasks taskid",
        "metric": "metricname measure metrictype scoretype metrics",
        "family": "series recipe architecture modelfamily suite",
        "date": "releasedate released publicationdate releaseday published modelreleasedate release",
        "chance": "random baseline guess randombaseline chancelevel randomscore guessrate",
        "human": "humanscore humanbaseline humanperformance humanaccuracy expert experts expertscore expertbaseline",
        "ceiling_at_least": "ceiling minceiling lowestceiling",
        "length": "answerlength targetlength ntargettokens answertokens",
        "k": "attempts passk",
        "compute_sd": "computestd computeuncertainty sdlog10compute",
    }.items()
}
